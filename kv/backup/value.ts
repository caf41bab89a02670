/**
 * What a store holds as JSON and back, without loss: KV keeps values by
 * structured clone, of which JSON knows but a part.
 *
 * What JSON lacks is an object with one member whose name starts with `$`:
 * `$bytes` (base64), `$bigint`, `$number` (not finite,
 * or minus zero), `$date` (Unix milliseconds), `$undefined`, and `$object` (its
 * members as pairs) for an object that could be taken for one of these.
 */

/** A value as JSON. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

/**
 * A value of the store as JSON.
 *
 * @throws {TypeError} for what the store's records are not made of
 */
export function encodeValue(value: unknown): Json {
  if (value === null) return null;
  switch (typeof value) {
    case "boolean":
    case "string":
      return value;
    case "number":
      return isPlain(value) ? value : { $number: numberText(value) };
    case "bigint":
      return { $bigint: String(value) };
    case "undefined":
      return { $undefined: true };
    case "object":
      return encodeObject(value);
    default:
      throw new TypeError(`a ${typeof value} cannot be kept in a backup`);
  }
}

/** Whether JSON gives a number back as it was. */
function isPlain(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function encodeObject(value: object): Json {
  if (Array.isArray(value)) return value.map(encodeValue);
  if (value instanceof Uint8Array) return { $bytes: value.toBase64() };
  if (value instanceof Date) return { $date: encodeValue(value.getTime()) };
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(
      `a ${value.constructor.name} cannot be kept in a backup`,
    );
  }
  const members = Object.entries(value)
    .map(([name, member]) => [name, encodeValue(member)] as const);
  const isAmbiguous = members.some(([name]) => name.startsWith("$"));
  return isAmbiguous ? { $object: members } : Object.fromEntries(members);
}

/** How each tag is read. */
const TAGS: Readonly<Record<string, (json: Json) => unknown>> = {
  $bytes: (json) => Uint8Array.fromBase64(text(json)),
  $bigint: (json) => BigInt(digits(json, /^-?\d+$/)),
  $number: (json) => Number(digits(json, /^(-?Infinity|NaN|-0)$/)),
  $date: (json) => new Date(Number(decodeValue(json))),
  $undefined: () => undefined,
  $object: (json) => {
    const members = decodeValue(json);
    if (!Array.isArray(members)) throw new TypeError("$object has no members");
    return Object.fromEntries(members);
  },
};

/**
 * The value that {@link encodeValue} was given.
 *
 * @throws {TypeError} for what it never gives
 * @throws {SyntaxError} for base64 or digits that are none
 */
export function decodeValue(json: Json): unknown {
  if (json === null || typeof json !== "object") return json;
  if (isArray(json)) return json.map(decodeValue);
  const members = Object.entries(json);
  const [name, value] = members[0] ?? ["", null];
  if (!name.startsWith("$")) {
    return Object.fromEntries(
      members.map(([name, member]) => [name, decodeValue(member)]),
    );
  }
  const decode = Object.hasOwn(TAGS, name) ? TAGS[name] : undefined;
  if (members.length === 1 && decode !== undefined) return decode(value);
  throw new TypeError(`"${name.slice(0, 20)}" is not the tag of a value`);
}

/** `Array.isArray()` does not tell read-only arrays apart. */
function isArray(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

function text(json: Json): string {
  if (typeof json === "string") return json;
  throw new TypeError("a tag has no text");
}

function digits(json: Json, form: RegExp): string {
  if (form.test(text(json))) return text(json);
  throw new SyntaxError(`"${text(json).slice(0, 20)}" is not a number`);
}
