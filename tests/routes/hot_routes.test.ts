/** The shortest way to a route beside the general one: nobody can tell them apart. */
import assert from "node:assert/strict";
import { completeHandshake } from "../../kv/mail/mailboxes.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { generateRsaKey, importRsaKey } from "../../lib/seal/rsa.ts";
import type { ServeInfo } from "../../routes/serve_info.ts";
import { seededRandom } from "../lib/randomness.ts";
import { vectors } from "../vectors/mod.ts";
import { BAD_ENVELOPES } from "./bad_envelopes.ts";
import { Clock } from "./clock.ts";
import { askChallenge, makeAnswer } from "./handshake_answer.ts";
import { Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

/** Requests that are changed at random; `.ci/run` asks for more. */
const MUTATED = Number(Deno.env.get("RESTANTE_MUTATED") ?? 1_500);
/** Between two looks at everything that both stores hold. */
const LOOK_EVERY = 500;

/** What is asked of both. */
interface Question {
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Bytes;
  readonly info: ServeInfo | undefined;
}

/** Two relays of the same keys, mailboxes and time, asked by different ways. */
class Twins implements Disposable {
  readonly hot: TestRelay;
  readonly general: TestRelay;
  readonly clock: Clock;
  /** Statuses that were answered, and how often. */
  readonly answered = new Map<number, number>();

  private constructor(hot: TestRelay, general: TestRelay, clock: Clock) {
    this.hot = hot;
    this.general = general;
    this.clock = clock;
  }

  static async open(): Promise<Twins> {
    const clock = new Clock();
    const options = { clock, caps: { addressRate: 120 } };
    const [hot, general] = [
      await TestRelay.open(options),
      await TestRelay.open(options),
    ];
    return new Twins(hot, general, clock);
  }

  /** Opens a mailbox in both. */
  async openMailbox(id: string, publicKey: Bytes): Promise<void> {
    const now = this.clock.time;
    const answered = { id, expires: now + 60_000, publicKey };
    for (const { relay } of [this.hot, this.general]) {
      await completeHandshake(relay.store, answered, now);
    }
  }

  /** Asks both, and fails where one answers otherwise than the other. */
  async ask(question: Question): Promise<void> {
    const { path, query } = question;
    // A name that no route knows, written as only the general way reads it.
    const unplain = `${query === "" ? "?" : `${query}&`}_=%41`;
    const [short, long] = [
      await answerOf(this.hot, question, path + query),
      await answerOf(this.general, question, path + unplain),
    ];
    assert.deepEqual(short, long, `${path}${query}`);
    const { status } = short;
    this.answered.set(status, (this.answered.get(status) ?? 0) + 1);
  }

  /** Fails where one keeps something else than the other. */
  async compareStores(): Promise<void> {
    assert.deepEqual(await keptBy(this.hot), await keptBy(this.general));
  }

  [Symbol.dispose](): void {
    this.hot[Symbol.dispose]();
    this.general[Symbol.dispose]();
  }
}

async function answerOf(
  relay: TestRelay,
  { headers, body, info }: Question,
  url: string,
) {
  const init = { method: "POST", headers, body };
  const response = await relay.fetch(url, init, info);
  const said = Object.fromEntries(response.headers);
  if (!("X-Request-Id" in headers)) {
    assert.match(said["x-request-id"] ?? "", /^[0-9a-f]{16}$/);
    delete said["x-request-id"];
  }
  const answer = JSON.parse(await response.text());
  if (!("X-Request-Id" in headers)) delete answer.requestId;
  // A receipt says the cursor, and so the epoch, which each store draws anew.
  if (answer.receipt) {
    const [head = "", payload = ""] = answer.receipt.split(".");
    answer.receipt = [head, payload].map((part) =>
      JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/")))
    );
  }
  const text = comparable(relay, JSON.stringify(answer));
  return { status: response.status, said, answer: JSON.parse(text) };
}

/** The commits of each relay in the order in which they were heard of. */
const commits = new WeakMap<TestRelay, Map<string, number>>();

/** Without the epoch, and with commits by their order: they skip numbers. */
function comparable(relay: TestRelay, text: string): string {
  const heard = commits.get(relay) ?? new Map<string, number>();
  commits.set(relay, heard);
  return text.replaceAll(relay.relay.store.epoch, "<epoch>")
    .replace(/(?<![0-9a-f])0{8}[0-9a-f]{12}(?![0-9a-f])/g, (stamp) => {
      if (!heard.has(stamp)) heard.set(stamp, heard.size);
      return `#${heard.get(stamp)}`;
    });
}

/** Everything in the store, but for what is random. */
async function keptBy(relay: TestRelay): Promise<unknown> {
  const entries = await relay.dump();
  const text = JSON.stringify(
    entries,
    (name, value) => name === "attempt" ? undefined : plain(value),
  );
  return JSON.parse(comparable(relay, text));
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.toHex();
  return typeof value === "bigint" ? String(value) : value;
}

const MAXTXPOW = "application/vnd.minima.maxtxpow";

const TYPES: readonly (string | null)[] = [
  MAXTXPOW,
  MAXTXPOW,
  MAXTXPOW,
  "application/octet-stream",
  `${MAXTXPOW.toUpperCase()}; v=1`,
  "application/json",
  null,
];

const QUERIES: readonly string[] = [
  "",
  "?",
  "?hold=3600",
  "?hold=7200&priority=lazy",
  "?hold=3600&minBandwidth=9600",
  "?minBandwidth=0&priority=critical&hold=86400",
  "?hold=0",
  "?hold=1",
  "?hold=99999999999",
  "?hold=1e3",
  "?hold=-1",
  "?hold=",
  "?hold",
  "?hold=3600&hold=7200",
  "?hold=%33600",
  "?hold=36+00",
  "?priority=urgent",
  "?Hold=3600",
  "?other=1",
  "?&hold=3600",
  "?hold=3600&",
  "?=3600",
  "?constructor=1&toString=2",
];

const INFOS: readonly (ServeInfo | undefined)[] = [
  undefined,
  { remoteAddr: { hostname: "192.0.2.1" } },
  { remoteAddr: { hostname: "2001:db8::1" } },
  { remoteAddr: { hostname: "192.0.2.2" }, isOneTooMany: true },
];

/** An answer to a challenge that fails takes a tenth of a second: they are few. */
const PATHS: readonly string[] = [
  ...Array.from({ length: 38 }, () => "/v1/messages"),
  "/v1/handshakes/0123456789abcdef",
  "/v1/handshakes/a.b-c_d",
];

/** Draws numbers and changes bytes, the same at every run. */
class Draw {
  readonly #random = seededRandom("hot routes");

  below(bound: number): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#random(4);
    return ((a << 24 | b << 16 | c << 8 | d) >>> 0) % bound;
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }

  /** Some bytes as they are, or changed in one way. */
  mutated(bytes: Bytes): Bytes {
    const at = this.below(bytes.length + 1);
    switch (this.below(6)) {
      case 0: {
        const changed = bytes.slice();
        if (at < changed.length) changed[at] = this.below(256);
        return changed;
      }
      case 1:
        return bytes.slice(0, at);
      case 2:
        return new Uint8Array([...bytes, ...this.#random(1 + this.below(9))]);
      case 3:
        return new Uint8Array([...bytes.slice(0, at), ...bytes.slice(at + 1)]);
      default:
        return bytes;
    }
  }

  question(bodies: readonly Bytes[]): Question {
    const type = this.one(TYPES);
    return {
      path: this.one(PATHS),
      query: this.below(2) === 0 ? "?hold=3600" : this.one(QUERIES),
      headers: {
        ...(type !== null && { "Content-Type": type }),
        ...this.one([
          {},
          { "X-Request-Id": "asked-7" },
          { "X-Request-Id": "too long ".repeat(9) },
        ]),
        ...(this.below(9) === 0 && { "Authorization": "Bearer x" }),
        ...(this.below(9) === 0 && { "Origin": "https://app.test" }),
      },
      body: this.mutated(this.one(bodies)),
      info: this.one(INFOS),
    };
  }
}

/** Those that bring a long id of their own are given one as well. */
function withoutLongId(question: Question): Question {
  const { "X-Request-Id": id, ...headers } = question.headers;
  if (id === undefined || id.length > 40) return { ...question, headers };
  return question;
}

/** Envelopes right and wrong, and genuine ones. */
async function bodiesFor(twins: Twins): Promise<Bytes[]> {
  using elsewhere = await TestRelay.open({ clock: twins.clock });
  const owner = await Owner.open(elsewhere);
  const nobodys = await Owner.open(elsewhere);
  await twins.openMailbox("of the owner", owner.publicKey);
  const good = Array.from(
    { length: 40 },
    (_, n) =>
      owner.envelope({ size: 1_200 + 100 * n, hashes: 10_000 * (1 + n % 4) }),
  );
  const bad = await Promise.all(BAD_ENVELOPES.map(({ make }) => make(owner)));
  const { cases, keys = {} } = vectors("maxima");
  for (const [name, { publicKey }] of Object.entries(keys)) {
    await twins.openMailbox(`of ${name}`, Uint8Array.fromHex(publicKey));
  }
  const genuine = cases.flatMap((one) =>
    "raw" in one && typeof one.raw === "string" && one.raw.length < 20_000
      ? [Uint8Array.fromHex(one.raw)]
      : []
  );
  assert.ok(genuine.length > 10);
  return [...good, ...bad, nobodys.envelope(), ...genuine];
}

/** What is counted: of times it cannot be the same. */
function counted(text = ""): string {
  return text.split("\n").filter((line) => /^restante_\w+_total/.test(line))
    .join("\n");
}

Deno.test("every envelope is answered by the shortest way as by the general one, and leaves the same", async () => {
  using twins = await Twins.open();
  const bodies = await bodiesFor(twins);
  for (const body of bodies) {
    for (const query of ["", "?hold=3600"]) {
      const headers = { "Content-Type": MAXTXPOW };
      const path = "/v1/messages";
      await twins.ask({ path, query, headers, body, info: undefined });
    }
  }
  for (const status of [200, 201, 400, 404, 413, 422, 428]) {
    assert.ok(twins.answered.has(status), `${status} was answered`);
  }
  await twins.compareStores();
});

Deno.test("mutated requests are answered by the shortest way as by the general one", async () => {
  using twins = await Twins.open();
  const bodies = await bodiesFor(twins);
  const draw = new Draw();
  for (let n = 1; n <= MUTATED; n++) {
    await twins.ask(withoutLongId(draw.question(bodies)));
    if (n % 10 === 0) twins.clock.advance(draw.below(500));
    if (n % LOOK_EVERY === 0) await twins.compareStores();
  }
  for (const status of [200, 201, 400, 401, 415, 428, 429, 503]) {
    assert.ok(twins.answered.has(status), `${status} was answered`);
  }
  const metered = [twins.hot, twins.general].map(({ relay: { meters } }) =>
    meters.metrics.text()
  );
  const [short, long] = await Promise.all(metered);
  assert.equal(counted(short), counted(long));
});

Deno.test("a relay that drains refuses by the shortest way as by the general one", async () => {
  using twins = await Twins.open();
  const [body = new Uint8Array()] = await bodiesFor(twins);
  for (const { app } of [twins.hot, twins.general]) {
    assert.equal(await app.drain(), true);
  }
  const headers = { "Content-Type": MAXTXPOW };
  for (const path of ["/v1/messages", "/v1/handshakes/abc"]) {
    await twins.ask({ path, query: "", headers, body, info: undefined });
  }
  assert.deepEqual([...twins.answered.keys()], [503]);
});

Deno.test("a right answer to a challenge gets a token by either way, and not by both", async () => {
  using relay = await TestRelay.open();
  const signer = await importRsaKey(await generateRsaKey(1_024));
  for (const [first, second] of [["", "?_=%41"], ["?_=%41", ""]]) {
    const challenge = await askChallenge(relay, signer.publicKey);
    const { time } = relay.clock;
    const body = await makeAnswer({ challenge, signer, time });
    const path = `/v1/handshakes/${challenge.handshake}`;
    const send = (query = "") =>
      relay.fetch(path + query, {
        method: "POST",
        headers: { "Content-Type": MAXTXPOW },
        body,
      });
    const granted = await send(first);
    assert.equal(granted.status, 200, `"${first}"`);
    assert.equal(granted.headers.get("Cache-Control"), "no-store");
    assert.equal(typeof (await granted.json()).token, "string");
    const again = await send(second);
    assert.equal(again.status, 401, `"${second}"`);
    await again.body?.cancel();
  }
});
