/** Who may read the metrics, and who only seems to be from here. */
import assert from "node:assert/strict";
import {
  isLoopbackAddress,
  type MetricsCaller,
  type MetricsReaders,
  type MetricsVerdict,
  metricsVerdict,
  parseMetricsReaders,
} from "../../relay/metrics_readers.ts";

const SECRET = "a-secret-of-the-operator";

/** A caller on the machine itself, with something unusual. */
function caller(
  changes: Partial<Omit<MetricsCaller, "headers">> = {},
  headers: HeadersInit = {},
): MetricsCaller {
  return {
    address: "127.0.0.1",
    host: "127.0.0.1",
    ...changes,
    headers: new Headers(headers),
  };
}

const LOCAL: [string, MetricsCaller, MetricsVerdict][] = [
  ["this machine", caller(), "shown"],
  ["this machine by IPv6", caller({ address: "::1", host: "[::1]" }), "shown"],
  ["this machine by name", caller({ host: "localhost" }), "shown"],
  ["another machine", caller({ address: "192.0.2.1" }), "hidden"],
  ["no known address", caller({ address: null }), "hidden"],
  ["a proxy here", caller({}, { "X-Forwarded-For": "192.0.2.1" }), "hidden"],
  ["a proxy here", caller({}, { "Forwarded": "for=192.0.2.1" }), "hidden"],
  ["a proxy here", caller({}, { "X-Real-IP": "192.0.2.1" }), "hidden"],
  ["a proxy here", caller({}, { "Via": "1.1 proxy" }), "hidden"],
  ["a proxy that keeps the host", caller({ host: "relay.test" }), "hidden"],
  ["a name bent to here", caller({ host: "evil.test" }), "hidden"],
  [
    "a page of another origin",
    caller({}, { Origin: "https://evil.test" }),
    "hidden",
  ],
];

Deno.test("metrics for loopback are for nobody who only seems to be here", async (t) => {
  for (const [who, from, verdict] of LOCAL) {
    await t.step(`${who}: ${verdict}`, () => {
      assert.equal(metricsVerdict("loopback", from), verdict);
    });
  }
});

Deno.test("metrics that are open or off are so for everybody", () => {
  for (const from of [caller(), caller({ address: "192.0.2.1" })]) {
    assert.equal(metricsVerdict("open", from), "shown");
    assert.equal(metricsVerdict("off", from), "hidden");
  }
});

Deno.test("metrics with a token are for who sends it, from anywhere", () => {
  const readers: MetricsReaders = { token: SECRET };
  const table: [string | null, MetricsVerdict][] = [
    [`Bearer ${SECRET}`, "shown"],
    [`bearer ${SECRET}`, "shown"],
    [`Bearer ${SECRET}x`, "refused"],
    [`Bearer ${SECRET.slice(1)}`, "refused"],
    [`Bearer x${SECRET}`, "refused"],
    [`Bearer ${SECRET} ${SECRET}`, "refused"],
    [`Basic ${SECRET}`, "refused"],
    ["Bearer ", "refused"],
    [null, "refused"],
  ];
  for (const [header, verdict] of table) {
    const headers = header === null ? {} : { Authorization: header };
    for (const address of ["127.0.0.1", "192.0.2.1"]) {
      assert.equal(
        metricsVerdict(readers, caller({ address }, headers)),
        verdict,
        `${header}`,
      );
    }
  }
});

Deno.test("isLoopbackAddress() knows this machine's own addresses", () => {
  for (const own of ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"]) {
    assert.ok(isLoopbackAddress(own), own);
  }
  const others = [
    "128.0.0.1",
    "127.0.0.1.evil.test",
    "10.127.0.1",
    "::2",
    "fe80::1",
    "::ffff:10.0.0.1",
    "localhost",
    "",
  ];
  for (const other of others) assert.ok(!isLoopbackAddress(other), other);
});

Deno.test("parseMetricsReaders() takes four forms, and does not repeat a secret", () => {
  for (const word of ["loopback", "open", "off"] as const) {
    assert.equal(parseMetricsReaders(word), word);
  }
  assert.deepEqual(parseMetricsReaders(`token:${SECRET}`), { token: SECRET });
  const least = { token: "x".repeat(16) };
  assert.deepEqual(parseMetricsReaders(`token:${least.token}`), least);
  const short = `token:${"x".repeat(15)}`;
  for (
    const bad of ["", short, "Open", "token:short", `token:${SECRET} `, SECRET]
  ) {
    assert.throws(
      () => parseMetricsReaders(bad),
      (error) => error instanceof TypeError && !error.message.includes(SECRET),
    );
  }
});
