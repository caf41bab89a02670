/** A strict reader of the exposition format 0.0.4, for what the relay writes. */
import assert from "node:assert/strict";

/** One number. */
export interface ReadSample {
  /** The family's name and what stands behind it. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A family. */
export interface ReadFamily {
  readonly help: string;
  readonly type: string;
  readonly samples: ReadSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const NUMBER = /^([+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|[+-]Inf|NaN)$/;

/** The families of a text, in its order. @throws {AssertionError} if it is not of the format */
export function readExposition(text: string): Map<string, ReadFamily> {
  assert.ok(text === "" || text.endsWith("\n"), "the last line ends");
  assert.doesNotMatch(text, /\r/, "lines end as the format wants them");
  const families = new Map<string, ReadFamily>();
  const lines = text.split("\n").slice(0, -1);
  let family: ReadFamily | null = null;
  let name = "";
  for (let n = 0; n < lines.length; n++) {
    const line = lines[n] ?? "";
    if (!line.startsWith("#")) {
      assert.ok(family, `a sample of no family: ${line}`);
      family.samples.push(readSample(line, name, family.type));
      continue;
    }
    const [, helped = "", help = ""] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
    assert.match(helped, new RegExp(`${NAME.source}$`), line);
    const [, typed, type = ""] =
      /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(lines[++n] ?? "") ?? [];
    assert.equal(typed, helped, "help is followed by the type of the same");
    assert.ok(!families.has(helped), `${helped} stands in one place`);
    name = helped;
    family = { help: unescape(help, false), type, samples: [] };
    families.set(name, family);
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function readSample(line: string, family: string, type: string): ReadSample {
  const [name = ""] = NAME.exec(line) ?? [];
  const suffixes = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  assert.ok(
    suffixes.some((suffix) => name === family + suffix),
    `${name} is of ${family}`,
  );
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith("{")) {
    rest = rest.slice(1);
    while (!rest.startsWith("}")) {
      const [label = ""] = LABEL.exec(rest) ?? [];
      assert.notEqual(label, "", `a label in ${line}`);
      rest = rest.slice(label.length);
      const [quoted = ""] = /^="(?:[^"\\]|\\.)*"/.exec(rest) ?? [];
      assert.notEqual(quoted, "", `the value of ${label} in ${line}`);
      assert.ok(!(label in labels), `${label} once in ${line}`);
      labels[label] = unescape(quoted.slice(2, -1), true);
      rest = rest.slice(quoted.length);
      if (rest.startsWith(",")) rest = rest.slice(1);
      else assert.ok(rest.startsWith("}"), line);
    }
    rest = rest.slice(1);
  }
  assert.ok(rest.startsWith(" "), line);
  assert.match(rest.slice(1), NUMBER, line);
  return { name, labels, value: numberOf(rest.slice(1)) };
}

function numberOf(text: string): number {
  return Number(text.replace("Inf", "Infinity"));
}

/** @throws {AssertionError} for an escape that the format does not have */
function unescape(text: string, isLabel: boolean): string {
  return text.replace(/\\(.?)/g, (escape, character) => {
    if (character === "\\") return "\\";
    if (character === "n") return "\n";
    assert.ok(isLabel && character === '"', `the escape ${escape}`);
    return '"';
  });
}

function checkFamily(name: string, { type, samples }: ReadFamily): void {
  const seen = samples.map(({ name, labels }) =>
    JSON.stringify([name, labels])
  );
  assert.equal(new Set(seen).size, seen.length, `${name} has each series once`);
  if (type === "counter") {
    for (const { value } of samples) assert.ok(value >= 0, name);
  }
  if (type !== "histogram") return;
  const groups = Map.groupBy(
    samples,
    ({ labels: { le: _, ...others } }) => JSON.stringify(others),
  );
  for (const group of groups.values()) {
    const buckets = group.filter((one) => one.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => numberOf(labels["le"] ?? ""));
    assert.deepEqual(bounds, bounds.toSorted((a, b) => a - b), name);
    assert.equal(bounds.at(-1), Infinity, name);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(counts, counts.toSorted((a, b) => a - b), name);
    const rest = group.filter((one) => one.name !== `${name}_bucket`);
    assert.deepEqual(rest.map((one) => one.name), [
      `${name}_sum`,
      `${name}_count`,
    ]);
    assert.equal(rest[1]?.value, counts.at(-1), name);
  }
}

/** The value of one series; undefined if there is none. */
export function valueOf(
  families: ReadonlyMap<string, ReadFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  for (const { samples } of families.values()) {
    const found = samples.find((sample) =>
      sample.name === name &&
      JSON.stringify(Object.entries(sample.labels).toSorted()) ===
        JSON.stringify(Object.entries(labels).toSorted())
    );
    if (found !== undefined) return found.value;
  }
  return undefined;
}
