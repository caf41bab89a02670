/** Types that are told apart by name, though they are the same at run time. */

declare const brand: unique symbol;

/** A `Base` that only its own module makes. */
export type Branded<Base, Name extends string> = Base & {
  readonly [brand]: Name;
};
