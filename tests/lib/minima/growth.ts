/** How the time of a function grows with the size of what it is given. */

/** Makes the work for a size; what it makes is what is timed. */
export type WorkOfSize = (size: number) => () => void;

/** Input that is made to take long: its name, its work, sizes to time it at. */
export type Shape = readonly [
  name: string,
  work: WorkOfSize,
  sizes: readonly number[],
];

/** Bytes or characters, 8 KiB to 1 MiB. */
export const WIDE: readonly number[] = [8_192, 65_536, 262_144, 1_048_576];

/** Rounds over all sizes. What else runs on the machine only adds to a time. */
const ROUNDS = 5;
/** A single timing takes this long at least, so that the clock can tell. */
const SHORTEST_MS = 1;

/**
 * The exponent `e` of `time ~ size^e`: the slope of a least squares line
 * through the logarithms. 1 is linear, 2 is quadratic.
 */
export function growthExponent(
  make: WorkOfSize,
  sizes: readonly number[],
): number {
  const works = sizes.map((size) => {
    const work = make(size);
    return { work, times: timesPerTiming(work), taken: [] as number[] };
  });
  // Size after size in each round: what slows the machine slows them all.
  for (let round = 0; round < ROUNDS; round++) {
    for (const { work, times, taken } of works) {
      taken.push(timed(work, times) / times);
    }
  }
  return slope(
    sizes.map(Math.log),
    works.map(({ taken }) => Math.log(Math.min(...taken))),
  );
}

/** Milliseconds that `times` calls take. */
function timed(work: () => void, times: number): number {
  const start = performance.now();
  for (let i = 0; i < times; i++) work();
  return performance.now() - start;
}

/** Warms up, and finds how many calls make a timing. */
function timesPerTiming(work: () => void): number {
  timed(work, 2);
  for (let times = 1;; times *= 2) {
    if (timed(work, times) >= SHORTEST_MS) return times;
  }
}

/** The slope of the line of least squares through the points. */
function slope(xs: readonly number[], ys: readonly number[]): number {
  const mean = (of: readonly number[]) =>
    of.reduce((sum, value) => sum + value, 0) / of.length;
  const [x, y] = [mean(xs), mean(ys)];
  let [above, below] = [0, 0];
  for (const [i, xi] of xs.entries()) {
    above += (xi - x) * ((ys[i] ?? NaN) - y);
    below += (xi - x) ** 2;
  }
  return above / below;
}
