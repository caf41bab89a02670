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

/** A table that was printed. */
export interface Table {
  /** What it is of. */
  readonly title: string;
  /** The first row is its head. */
  readonly rows: readonly (readonly string[])[];
}

/** Where tables go: to people as they come, and to whoever wants all of them. */
export const report = {
  /** The tables so far. */
  tables: [] as Table[],
  /** Whether nothing is to be printed. */
  isQuiet: false,
};

/** Prints a line, unless all is quiet. */
export function say(line: string): void {
  if (!report.isQuiet) console.log(line);
}

/** Prints a table; the first row is its head. */
export function printTable(title: string, rows: Table["rows"]): void {
  report.tables.push({ title, rows });
  say(`\n${title}`);
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  for (const [i, row] of rows.entries()) {
    say(line(row.map((cell, column) => cell.padStart(widths[column] ?? 0))));
    if (i === 0) say(line(widths.map((width) => "-".repeat(width))));
  }
}

/** A count for a table, such as `41,200`. */
export function count(number: number): string {
  return Math.round(number).toLocaleString("en");
}
