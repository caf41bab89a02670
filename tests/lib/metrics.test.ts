/** Counters, gauges and histograms, as a strict reader of the format reads them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { writeExposition } from "../../lib/exposition.ts";
import { MAX_SERIES, Metrics } from "../../lib/metrics.ts";
import { readExposition, valueOf } from "../exposition.ts";

Deno.test("Metrics.text() is the format to the letter, in the order of the names", async () => {
  const metrics = new Metrics();
  const codes = metrics.counter("b_total", "Refusals.", ["code", "kind"]);
  metrics.gauge("c", 'With a \\ and\na "quote".', () => 1.5);
  const sizes = metrics.histogram("a", "Sizes.", [0.5, 10]);
  codes.add({ code: "z", kind: 'a"b\\c\nd' }, 2);
  codes.add({ code: "a", kind: "" });
  for (const size of [0.5, 0.6, 10, 11]) sizes.observe(size);
  assert.equal(
    await metrics.text(),
    [
      "# HELP a Sizes.",
      "# TYPE a histogram",
      'a_bucket{le="0.5"} 1',
      'a_bucket{le="10"} 3',
      'a_bucket{le="+Inf"} 4',
      "a_sum 22.1",
      "a_count 4",
      "# HELP b_total Refusals.",
      "# TYPE b_total counter",
      'b_total{code="a",kind=""} 1',
      'b_total{code="z",kind="a\\"b\\\\c\\nd"} 2',
      '# HELP c With a \\\\ and\\na "quote".',
      "# TYPE c gauge",
      "c 1.5",
      "",
    ].join("\n"),
  );
  readExposition(await metrics.text());
});

Deno.test("Metrics.text() of nothing is nothing", async () => {
  assert.equal(await new Metrics().text(), "");
});

Deno.test("writeExposition() gives back every value of a label and every help", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    fc.pre(!text.includes("\r"));
    const written = writeExposition([{
      name: "x",
      help: `H${text}`,
      type: "gauge",
      samples: [{ suffix: "", labels: { label: text }, value: 1 }],
    }]);
    const family = readExposition(written).get("x");
    assert.equal(family?.help, `H${text}`);
    assert.deepEqual(family?.samples[0]?.labels, { label: text });
  }));
});

Deno.test("writeExposition() writes numbers as Prometheus reads them", () => {
  const table: [number, string][] = [
    [0, "0"],
    [-1.5, "-1.5"],
    [1e21, "1e+21"],
    [1e-7, "1e-7"],
    [Infinity, "+Inf"],
    [-Infinity, "-Inf"],
    [NaN, "NaN"],
  ];
  for (const [value, text] of table) {
    const written = writeExposition([{
      name: "x",
      help: "X.",
      type: "gauge",
      samples: [{ suffix: "", labels: {}, value }],
    }]);
    assert.equal(written.split("\n")[2], `x ${text}`);
    assert.deepEqual(
      readExposition(written).get("x")?.samples[0]?.value,
      value,
    );
  }
});

Deno.test("Counter.add() counts by labels, never falls, and knows what has not happened", async () => {
  const metrics = new Metrics();
  const plain = metrics.counter("plain_total", "Plain.");
  const kinds = metrics.counter("kinds_total", "Kinds.", ["kind"]);
  const unused = metrics.counter("unused_total", "Unused.", ["kind"]);
  kinds.add({ kind: "a" }, 0);
  assert.equal(typeof unused.add, "function");
  const before = readExposition(await metrics.text());
  assert.equal(valueOf(before, "plain_total"), 0);
  assert.equal(valueOf(before, "kinds_total", { kind: "a" }), 0);
  assert.deepEqual(before.get("unused_total")?.samples, []);
  plain.add();
  plain.add({}, 4);
  plain.add({}, -3);
  plain.add({}, NaN);
  kinds.add({ kind: "b" });
  const after = readExposition(await metrics.text());
  assert.equal(valueOf(after, "plain_total"), 5);
  assert.equal(valueOf(after, "kinds_total", { kind: "a" }), 0);
  assert.equal(valueOf(after, "kinds_total", { kind: "b" }), 1);
});

Deno.test("a stranger who chooses labels makes no more than MAX_SERIES series", async () => {
  const metrics = new Metrics();
  const codes = metrics.counter("codes_total", "Codes.", ["code", "kind"]);
  const times = metrics.histogram("times", "Times.", [1], ["code"]);
  metrics.gauge(
    "many",
    "Many.",
    () =>
      Array.from(
        { length: 2 * MAX_SERIES },
        (_, i): [Record<string, string>, number] => [{ i: String(i) }, i],
      ),
  );
  for (let i = 0; i < 2 * MAX_SERIES; i++) {
    codes.add({ code: String(i), kind: "k" });
    times.observe(i, { code: String(i) });
  }
  const families = readExposition(await metrics.text());
  const samples = families.get("codes_total")?.samples ?? [];
  assert.equal(samples.length, MAX_SERIES);
  const sum = samples.reduce((sum, { value }) => sum + value, 0);
  assert.equal(sum, 2 * MAX_SERIES, "none is lost");
  assert.equal(
    valueOf(families, "codes_total", { code: "other", kind: "other" }),
    MAX_SERIES + 1,
  );
  assert.equal(
    valueOf(families, "times_count", { code: "other" }),
    MAX_SERIES + 1,
  );
  assert.equal(families.get("many")?.samples.length, MAX_SERIES);
});

Deno.test("Histogram.observe() puts each value into the buckets that reach it", async () => {
  const metrics = new Metrics();
  const sizes = metrics.histogram("sizes", "Sizes.", [1, 2], ["kind"]);
  for (const value of [-1, 1, 1.5, 2, 3, NaN]) {
    sizes.observe(value, { kind: "a" });
  }
  const families = readExposition(await metrics.text());
  const at = (le: string) =>
    valueOf(families, "sizes_bucket", { kind: "a", le });
  assert.deepEqual([at("1"), at("2"), at("+Inf")], [2, 4, 5]);
  assert.equal(valueOf(families, "sizes_sum", { kind: "a" }), 6.5);
  assert.equal(valueOf(families, "sizes_count", { kind: "a" }), 5);
});

Deno.test("Metrics.gauge() is read at each text, and one of a counter's name is a counter", async () => {
  const metrics = new Metrics();
  let value = 1;
  metrics.gauge("now", "Now.", () => value);
  metrics.gauge("kept_total", "Kept elsewhere.", () => Promise.resolve(value));
  metrics.gauge(
    "kinds",
    "Kinds.",
    () => [[{ kind: "b" }, 2], [{ kind: "a" }, 1]],
  );
  for (value of [1, 2]) {
    const families = readExposition(await metrics.text());
    assert.equal(valueOf(families, "now"), value);
    assert.equal(valueOf(families, "kept_total"), value);
    assert.equal(families.get("now")?.type, "gauge");
    assert.equal(families.get("kept_total")?.type, "counter");
    assert.deepEqual(
      families.get("kinds")?.samples.map(({ labels }) => labels["kind"]),
      ["a", "b"],
    );
  }
});

Deno.test("a gauge that fails or does not come is left out, and no other with it", async () => {
  const metrics = new Metrics();
  metrics.gauge("fails", "Fails.", () => {
    throw new Error("no");
  });
  metrics.gauge("rejects", "Rejects.", () => Promise.reject(new Error("no")));
  metrics.gauge("hangs", "Hangs.", () => new Promise<number>(() => {}));
  metrics.gauge("works", "Works.", () => 1);
  const giveUp = Promise.withResolvers<void>();
  const text = metrics.text(giveUp.promise);
  setTimeout(giveUp.resolve); // what can be read at once has been by then
  assert.deepEqual([...readExposition(await text).keys()], ["works"]);
});

Deno.test("Metrics refuses names that the format does not have, and the same twice", () => {
  const metrics = new Metrics();
  metrics.gauge("taken", "Taken.", () => 1);
  const table: (() => unknown)[] = [
    () => metrics.gauge("taken", "Again.", () => 1),
    () => metrics.gauge("", "Empty.", () => 1),
    () => metrics.gauge("1st", "A digit.", () => 1),
    () => metrics.gauge("a-b", "A hyphen.", () => 1),
    () => metrics.gauge("a b", "A blank.", () => 1),
    () => metrics.gauge("a\nb", "A line.", () => 1),
    () => metrics.counter("count", "Not a total."),
    () => metrics.counter("a_total", "A hyphen.", ["a-b"]),
    () => metrics.counter("a_total", "A reserved name.", ["__a"]),
    () => metrics.counter("a_total", "A bucket's name.", ["le"]),
    () => metrics.histogram("a", "Falling.", [2, 1]),
    () => metrics.histogram("a", "Twice.", [1, 1]),
    () => metrics.histogram("a", "Endless.", [1, Infinity]),
  ];
  for (const register of table) assert.throws(register, TypeError);
});
