/**
 * Numbers that a relay tells of itself: counters, gauges and histograms, kept
 * in memory and written when somebody asks.
 *
 * Labels are of closed sets alone (codes, transports, kinds): nothing that a
 * stranger chooses becomes a series, and no family has more than
 * {@link MAX_SERIES}.
 */
import {
  type Family,
  type Labels,
  type Sample,
  writeExposition,
  writeNumber,
} from "./exposition.ts";

/** Most series of a family; what comes beyond counts into one called `other`. */
export const MAX_SERIES = 200;

/** What only rises. */
export interface Counter<Name extends string> {
  /** Adds, one if not said; zero makes the series known before it counts. */
  add(labels?: Readonly<Record<Name, string>>, by?: number): void;
}

/** What is sorted by size. */
export interface Histogram<Name extends string> {
  /** Notes one value. */
  observe(value: number, labels?: Readonly<Record<Name, string>>): void;
}

/** A number now, or one for each of some labels. */
export type Reading = number | Iterable<readonly [labels: Labels, number]>;

/** How a gauge is read; one that fails is left out of that text. */
export type ReadGauge = () => Reading | Promise<Reading>;

/** How a family is read when the text is made; null if it cannot be now. */
type Collect = () => Promise<Family | null>;

/** Every family there is. */
export class Metrics {
  readonly #families = new Map<string, Collect>();

  /**
   * Registers a counter, whose name ends in `_total`.
   *
   * @throws {TypeError} for a name that cannot be used, or is used already
   */
  counter<Name extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Name[] = [],
  ): Counter<Name> {
    if (!name.endsWith("_total")) {
      throw new TypeError(`the counter ${name} does not end in _total`);
    }
    const series = new SeriesMap(labelNames, () => ({ value: 0 }));
    if (labelNames.length === 0) series.at({});
    this.#register(name, labelNames, () => ({
      name,
      help,
      type: "counter",
      samples: series.sorted().map(([labels, { value }]) => ({
        suffix: "",
        labels,
        value,
      })),
    }));
    return {
      add(labels: Labels = {}, by = 1) {
        // A counter that fell would be taken for a process begun anew.
        if (by >= 0) series.at(labels).value += by;
      },
    };
  }

  /**
   * Registers what is read when it is asked for; a counter kept elsewhere, if
   * its name ends in `_total`.
   *
   * @throws {TypeError} for a name that cannot be used, or is used already
   */
  gauge(name: string, help: string, read: ReadGauge): void {
    const type = name.endsWith("_total") ? "counter" : "gauge";
    this.#register(name, [], async () => {
      const reading = await read();
      const samples = typeof reading === "number"
        ? [{ suffix: "", labels: {}, value: reading }]
        : Array.from(
          reading,
          ([labels, value]) => ({ suffix: "", labels, value }),
        ).slice(0, MAX_SERIES);
      return { name, help, type, samples: samples.toSorted(byLabels) };
    });
  }

  /**
   * Registers a histogram with the upper bounds of its buckets, ascending.
   *
   * @throws {TypeError} for a name or bounds that cannot be used
   */
  histogram<Name extends string = never>(
    name: string,
    help: string,
    bounds: readonly number[],
    labelNames: readonly Name[] = [],
  ): Histogram<Name> {
    const isAscending = bounds.every((bound, i) =>
      Number.isFinite(bound) && (i === 0 || bound > Number(bounds[i - 1]))
    );
    if (!isAscending) throw new TypeError(`the bounds of ${name} do not rise`);
    const all = [...bounds, Infinity];
    const series = new SeriesMap(
      labelNames,
      () => ({ counts: all.map(() => 0), sum: 0 }),
    );
    if (labelNames.length === 0) series.at({});
    this.#register(name, labelNames, () => ({
      name,
      help,
      type: "histogram",
      samples: series.sorted().flatMap(([labels, { counts, sum }]) =>
        histogramSamples(labels, all, counts, sum)
      ),
    }));
    return {
      observe(value, labels: Labels = {}) {
        if (Number.isNaN(value)) return; // it would spoil the sum for good
        const one = series.at(labels);
        const place = all.findIndex((bound) => value <= bound);
        one.counts[place] = Number(one.counts[place]) + 1;
        one.sum += value;
      },
    };
  }

  /**
   * Every family as text, in the order of their names. What is not read once
   * `giveUp` ends is left out.
   */
  async text(
    giveUp: Promise<unknown> = new Promise(() => {}),
  ): Promise<string> {
    const late = giveUp.then(() => null);
    const sorted = [...this.#families].toSorted(([a], [b]) => a < b ? -1 : 1);
    const families = await Promise.all(
      sorted.map(([, collect]) =>
        Promise.race([collect().catch(() => null), late])
      ),
    );
    return writeExposition(families.filter((family) => family !== null));
  }

  #register(
    name: string,
    labelNames: readonly string[],
    collect: () => Family | Promise<Family>,
  ): void {
    if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name) || this.#families.has(name)) {
      throw new TypeError(`${name} cannot be the name of one more family`);
    }
    for (const label of labelNames) {
      if (!/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) || label === "le") {
        throw new TypeError(`${label} cannot be the name of a label`);
      }
    }
    this.#families.set(name, async () => await collect());
  }
}

/** The series of a family by their labels, bounded in number. */
class SeriesMap<Value> {
  readonly #names: readonly string[];
  readonly #make: () => Value;
  readonly #series = new Map<string, readonly [Labels, Value]>();

  constructor(names: readonly string[], make: () => Value) {
    this.#names = names;
    this.#make = make;
  }

  at(labels: Labels): Value {
    const own = this.#names.map((name) => [name, labels[name] ?? ""] as const);
    const key = JSON.stringify(own);
    const known = this.#series.get(key);
    if (known !== undefined) return known[1];
    // One place is kept for what is too many.
    const isTooMany = this.#series.size >= MAX_SERIES - 1 &&
      own.some(([, value]) => value !== OTHER);
    if (isTooMany) {
      return this.at(Object.fromEntries(own.map(([name]) => [name, OTHER])));
    }
    const value = this.#make();
    this.#series.set(key, [Object.fromEntries(own), value]);
    return value;
  }

  sorted(): (readonly [Labels, Value])[] {
    return [...this.#series].toSorted(([a], [b]) => a < b ? -1 : 1)
      .map(([, series]) => series);
  }
}

/** The value of every label of what is too many. */
const OTHER = "other";

/** Buckets count everything up to their bound, the smaller ones included. */
function histogramSamples(
  labels: Labels,
  bounds: readonly number[],
  counts: readonly number[],
  sum: number,
): Sample[] {
  let count = 0;
  const buckets = bounds.map((bound, i) => {
    count += counts[i] ?? 0;
    return {
      suffix: "_bucket",
      labels: { ...labels, le: writeNumber(bound) },
      value: count,
    };
  });
  return [
    ...buckets,
    { suffix: "_sum", labels, value: sum },
    { suffix: "_count", labels, value: count },
  ];
}

function byLabels(a: Sample, b: Sample): number {
  const [left, right] = [a, b].map(({ labels }) =>
    JSON.stringify(Object.entries(labels))
  );
  return String(left) < String(right) ? -1 : 1;
}
