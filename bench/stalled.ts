/**
 * Memory that strangers hold who stand still: in the middle of what they send,
 * and with what they are sent. Beside each what a bare server keeps for the same.
 */
import { type Identity, makeIdentity, Relay, Session } from "../client/mod.ts";
import type { Bytes } from "../lib/bytes.ts";
import { generateSigningKey } from "../lib/signing_key.ts";
import { DEFAULT_CAPS } from "../relay/caps.ts";
import { count, printTable } from "./measure.ts";
import { mineEnvelopes, postEnvelope, tokenOf } from "./owned_mail.ts";
import { type Server, startServer } from "./processes.ts";

/** Strangers of each kind. */
const STRANGERS = 200;
/** And some before: what the code takes is not theirs. */
const WARM = 20;
/** Bytes that an upload says it has; all but one come. */
const BODY = 262_144;
/** Messages that a reader does not take, and bytes of each. */
const MESSAGES = 60;
const DATA = 61_440;
/** Nobody is dropped while memory is looked at. */
const PATIENT = {
  RESTANTE_UPLOAD_RATE: "0",
  RESTANTE_UPLOAD_SECONDS: "3600",
  RESTANTE_DRAIN_SECONDS: "3600",
};

type Kind = "relay" | "bare";

/** Prints one table: KiB of resident memory for each stranger. */
export async function benchStalled(): Promise<void> {
  const rows = [["stands still", "KiB each", "bare", "bytes under way, KiB"]];
  const uploads = async (kind: Kind) => (await measureUploads(kind)).toFixed(0);
  rows.push([
    `an upload of ${BODY / 1_024} KiB`,
    await uploads("relay"),
    await uploads("bare"),
    count(BODY / 1_024),
  ]);
  const owner = await makeIdentity();
  const bodies = await mineEnvelopes(owner, MESSAGES, DATA);
  const sent = bodies.reduce((sum, { length }) => sum + length, 0);
  const readers = async (kind: Kind) =>
    (await measureReaders(kind, owner, bodies)).toFixed(0);
  rows.push([
    `a reader by events, capped at ${DEFAULT_CAPS.streamBytes / 1_024} KiB`,
    await readers("relay"),
    await readers("bare"),
    count(sent / 1_024),
  ]);
  printTable(`Memory of ${STRANGERS} strangers that stand still`, rows);
}

/** KiB for each upload whose last byte does not come. */
async function measureUploads(kind: Kind): Promise<number> {
  await using held = new AsyncDisposableStack();
  const server = held.use(await startPatient(kind));
  const head = headOf("POST /v1/messages", server, {
    "Content-Type": "application/vnd.minima.maxtxpow",
    "Content-Length": String(BODY),
  });
  const body = new Uint8Array(BODY - 1);
  const open = async () => {
    const connection = held.use(await connect(server));
    await writeAll(connection, head);
    await writeAll(connection, body);
  };
  return await memoryOfEach(server, open);
}

/** KiB for each reader that takes nothing of what comes. */
async function measureReaders(
  kind: Kind,
  owner: Identity,
  bodies: readonly Bytes[],
): Promise<number> {
  await using held = new AsyncDisposableStack();
  const signingKey = await generateSigningKey();
  const server = held.use(await startPatient(kind, signingKey));
  if (kind === "relay") await new Session(new Relay(server.url), owner).open();
  const token = await tokenOf(owner, signingKey);
  const path = `/v1/mailboxes/${owner.mailbox}/messages?crowd`;
  const head = headOf(`GET ${path}`, server, {
    Accept: "text/event-stream",
    Authorization: `Bearer ${token}`,
  });
  const open = async () => {
    const connection = held.use(await connect(server));
    await writeAll(connection, head);
    await connection.read(new Uint8Array(1)); // it is answered
  };
  // What the posts themselves take is there before: half of them.
  const half = bodies.length >> 1;
  for (const body of bodies.slice(0, half)) {
    await postEnvelope(server.url, body);
  }
  return await memoryOfEach(server, open, async () => {
    for (const body of bodies.slice(half)) await postEnvelope(server.url, body);
  });
}

/** KiB that each of the strangers takes, once all have come. */
async function memoryOfEach(
  server: Server,
  open: () => Promise<void>,
  then: () => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  for (let n = 0; n < WARM; n++) await open();
  const before = await server.memory();
  for (let n = 0; n < STRANGERS; n++) await open();
  await then();
  return (await server.memory() - before) / STRANGERS / 1_024;
}

async function startPatient(
  kind: Kind,
  signingKey?: Bytes,
): Promise<Server> {
  const key = signingKey ?? await generateSigningKey();
  return await startServer(kind, ":memory:", key, PATIENT);
}

function headOf(
  request: string,
  { url }: Server,
  headers: Readonly<Record<string, string>>,
): Uint8Array {
  const lines = Object.entries({ Host: new URL(url).host, ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return new TextEncoder().encode(
    `${request} HTTP/1.1\r\n${lines.join("")}\r\n`,
  );
}

function connect({ url }: Server): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(url);
  return Deno.connect({ hostname, port: Number(port) });
}

async function writeAll(
  connection: Deno.TcpConn,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await connection.write(bytes.subarray(at));
  }
}
