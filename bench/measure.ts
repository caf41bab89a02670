/** Measuring: rates of things done side by side in one run. */

/** How often something can be done. */
export interface Rate {
  /** Times a second: the median of the rounds. */
  readonly perSecond: number;
}

/** Milliseconds of a round, and how many rounds there are. */
const ROUND = 120;
const ROUNDS = 7;

/**
 * Measures several things in turns, round by round, so that a slow moment of
 * the machine falls on all of them.
 */
export function measure<Name extends string>(
  things: Record<Name, () => unknown>,
): Record<Name, Rate> {
  const names = Object.keys(things) as Name[];
  const rounds = new Map(names.map((name) => [name, [] as number[]]));
  for (const name of names) timeOneRound(things[name]); // warm up
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
      rounds.get(name)?.push(timeOneRound(things[name]));
    }
  }
  const rates = names.map((
    name,
  ) => [name, { perSecond: median(rounds.get(name) ?? []) }]);
  return Object.fromEntries(rates);
}

function timeOneRound(thing: () => unknown): number {
  const started = performance.now();
  let times = 0;
  let passed = 0;
  // Looking at the clock costs: things that take no time are done in batches.
  for (let batch = 1; passed < ROUND; batch = passed < 1 ? 2 * batch : batch) {
    for (let i = 0; i < batch; i++) thing();
    times += batch;
    passed = performance.now() - started;
  }
  return 1_000 * times / passed;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN;
}

/** Prints a table; the first row is its head. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  for (const [i, row] of rows.entries()) {
    console.log(
      `| ${
        row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join(
          " | ",
        )
      } |`,
    );
    if (i === 0) {
      console.log(
        `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`,
      );
    }
  }
}

/** A count for a table, such as `41,200`. */
export function count(number: number): string {
  return Math.round(number).toLocaleString("en");
}
