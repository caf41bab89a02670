/**
 * A reader that comes back to much mail, and reads it from the beginning: pages
 * of JSON and of elements, beside a bare server that lists the very same rows and
 * answers the same JSON, or the bodies alone.
 */
import { type Identity, makeIdentity } from "../client/mod.ts";
import { commitMessage } from "../kv/mail/accept.ts";
import { openStore } from "../kv/store/store.ts";
import type { Bytes } from "../lib/bytes.ts";
import { ELEMENTS_TYPE } from "../lib/elements.ts";
import { messageIdOf } from "../lib/ids.ts";
import { systemRandom } from "../lib/random.ts";
import { generateSigningKey } from "../lib/signing_key.ts";
import { KeptConnection, type WholeAnswer } from "./keep_alive.ts";
import { openMailboxes } from "./mail_file.ts";
import { count, printTable } from "./measure.ts";
import { tokenOf } from "./owned_mail.ts";
import { holdReaders, type Server, startServer } from "./processes.ts";
import { median } from "./rounds.ts";

const MESSAGES = 10_000;
/** Bytes of a message of 1 KB once it is sealed and mined. */
const BODY = 2_250;
/** Seconds for which they are held. */
const HOLD = 86_400;
/** Messages of a page: the relay's own limit, if none is asked for. */
const LIMIT = 100;
/** Bytes that no page of those has. */
const MOST_PAGE = 2 ** 20;
/** Rounds that count, behind one that does not. */
const ROUNDS = 7;
/** Readers that wait, and hear nothing. */
const IDLE = 1_000;

/** A way to read everything. */
interface Way {
  readonly server: Server;
  readonly query: string;
  readonly accept: string;
  /** Where a page says that the next one begins; null if it is the last. */
  readonly next: (page: WholeAnswer) => string | null;
}

/** What came of one way, round by round; times in milliseconds. */
interface Taken {
  readonly passed: number[];
  readonly cpu: number[];
  /** Of all answers, heads and all. */
  bytes: number;
}

/** Prints two tables. */
export async function benchReturning(): Promise<void> {
  await using held = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  held.defer(() => Deno.remove(folder, { recursive: true }));
  const file = `${folder}/relay.kv`;
  const owner = await makeIdentity();
  await fillMailbox(file, owner);
  const signingKey = await generateSigningKey();
  const relay = held.use(await startServer("relay", file, signingKey));
  const bare = held.use(await startServer("bare", file, signingKey));
  const json = { accept: "application/json", next: nextOfJson };
  const bytes = { accept: ELEMENTS_TYPE, next: nextOfHead };
  const ways = {
    json: { server: relay, query: "", ...json },
    bareJson: { server: bare, query: "&page=json", ...json },
    elements: { server: relay, query: "", ...bytes },
    bareBytes: { server: bare, query: "&page=bytes", ...bytes },
  };
  const token = await tokenOf(owner, signingKey);
  const before = await relay.memory();
  const taken = await takeTurns(ways, owner, token);
  printTable(
    `${count(MESSAGES)} messages of ${count(BODY)} bytes read from the ` +
      `beginning, ${LIMIT} a page`,
    [
      [
        "pages of",
        "ms",
        "processor ms",
        "ms to bare",
        "processor to bare",
        "on the wire to stored",
      ],
      rowOf("relay, JSON", taken.json, taken.bareJson),
      rowOf("bare, JSON", taken.bareJson),
      rowOf("relay, elements", taken.elements, taken.bareBytes),
      rowOf("bare, bodies alone", taken.bareBytes),
    ],
  );
  const after = await relay.memory();
  held.use(
    await holdReaders({
      url: relay.url,
      transport: "socket",
      count: IDLE,
      signingKey,
    }),
  );
  const idle = await relay.memory();
  printTable("Resident memory of the relay, in MiB", [
    ["started", "all read so often", `and ${count(IDLE)} idle readers`],
    [before, after, idle].map((bytes) => (bytes / 2 ** 20).toFixed(1)),
  ]);
}

/** One commit a message, as mail comes to one who is away. */
async function fillMailbox(file: string, owner: Identity): Promise<void> {
  await openMailboxes(file, [owner.key.publicKey]);
  using store = await openStore(file);
  for (let i = 0; i < MESSAGES; i++) {
    const now = Date.now();
    await commitMessage(store, {
      id: messageIdOf(systemRandom(32)),
      mailbox: owner.mailbox,
      body: systemRandom(BODY),
      paid: { by: "work", hashes: 10_000 },
      hold: HOLD,
      minBandwidth: 0,
      priority: "normal",
      workUntil: now,
    }, now);
  }
}

/** A slow moment of the machine falls on all of them. */
async function takeTurns<Name extends string>(
  ways: Readonly<Record<Name, Way>>,
  owner: Identity,
  token: string,
): Promise<Record<Name, Taken>> {
  const names = Object.keys(ways) as Name[];
  const taken = Object.fromEntries(
    names.map((name) => [name, { passed: [], cpu: [], bytes: 0 }]),
  ) as unknown as Record<Name, Taken>;
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of names) {
      const { server } = ways[name];
      const cpu = await server.cpu();
      const began = performance.now();
      const bytes = await readAll(ways[name], owner, token);
      const passed = performance.now() - began;
      const computed = await server.cpu() - cpu;
      if (round === 0) continue;
      taken[name].passed.push(passed);
      taken[name].cpu.push(computed);
      taken[name].bytes = bytes;
    }
  }
  return taken;
}

/** Reads everything by one connection; gives the bytes of all answers. */
async function readAll(
  { server: { url }, query, accept, next }: Way,
  { mailbox }: Identity,
  token: string,
): Promise<number> {
  using connection = await KeptConnection.open(url, MOST_PAGE);
  const utf8 = new TextEncoder();
  let [bytes, pages] = [0, 0];
  for (let after: string | null = ""; after !== null; pages++) {
    const path = `/v1/mailboxes/${mailbox}/messages?limit=${LIMIT}${query}${
      after === "" ? "" : `&after=${after}`
    }`;
    const request: Bytes = utf8.encode(
      [
        `GET ${path} HTTP/1.1`,
        `Host: ${new URL(url).host}`,
        `Authorization: Bearer ${token}`,
        `Accept: ${accept}`,
        "\r\n",
      ].join("\r\n"),
    );
    const page = await connection.get(request);
    if (page.status !== 200) throw new Error(`a page: ${page.head}`);
    bytes += page.length;
    after = next(page);
  }
  if (pages === MESSAGES / LIMIT) return bytes;
  throw new Error(`${pages} pages of ${LIMIT} are not ${MESSAGES} messages`);
}

/** By its end alone: to parse it all would be the reader's work. */
function nextOfJson({ body }: WholeAnswer): string | null {
  const end = new TextDecoder().decode(body.subarray(-120));
  const [, next, more] = /"next":"(.*?)","more":(true|false)/.exec(end) ?? [];
  if (next === undefined) throw new Error(`a page that ends ${end}`);
  return more === "true" ? next : null;
}

function nextOfHead({ head }: WholeAnswer): string | null {
  const [, next] = /\r\nrestante-next: (.*)\r\n/i.exec(head) ?? [];
  if (next === undefined) throw new Error(`a page of ${head}`);
  return /\r\nrestante-more: true\r\n/i.test(head) ? next : null;
}

function rowOf(name: string, own: Taken, bare?: Taken): string[] {
  const ratio = (of: "passed" | "cpu") => {
    if (bare === undefined) return "";
    const ratios = own[of].map((value, i) => value / (bare[of][i] ?? NaN));
    return `${median(ratios).toFixed(2)} ×`;
  };
  return [
    name,
    count(median(own.passed)),
    count(median(own.cpu)),
    ratio("passed"),
    ratio("cpu"),
    (own.bytes / (MESSAGES * BODY)).toFixed(3),
  ];
}
