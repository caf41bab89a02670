/** Steps of strangers who do not behave: others must not feel it. */
import assert from "node:assert/strict";
import type { Fuzz, Step } from "./fuzz.ts";
import { label } from "./fuzz.ts";
import { newMessage, store } from "./posting.ts";
import { RawConnection } from "./raw_http.ts";
import { deliver, throwSending } from "./sending.ts";

/** The relay answers as before. */
async function assertAlive({ world }: Fuzz, url: string): Promise<void> {
  const response = await fetch(`${url}/health`);
  assert.equal(response.status, 200, "the relay lives");
  await response.body?.cancel();
  assert.ok(world.workers.length > 0);
}

/** Messages behind which a connection's buffers are full. */
const MUCH = { least: 6, most: 12 };

/** A reader connects and reads nothing, while much comes. */
export const stalledReader: Step = async (fuzz) => {
  const { dice, world, tally } = fuzz;
  const device = fuzz.device();
  const { mailbox } = device;
  const worker = world.next();
  const owner = worker.owner(mailbox);
  using reader = await RawConnection.open(worker.url);
  await reader.begin(`GET /v1/mailboxes/${mailbox}/messages`, {
    Accept: "text/event-stream",
    Authorization: `Bearer ${await owner.token()}`,
  });
  assert.equal(await reader.status(), 200, "a stream is opened");
  const count = dice.between(MUCH.least, MUCH.most);
  for (let i = 0; i < count; i++) {
    const draft = newMessage(fuzz, mailbox);
    const body = new Uint8Array(300_000).fill(i);
    body.set(Uint8Array.fromHex(draft.id));
    await store(fuzz, { ...draft, body });
  }
  // Whoever does read gets it all the same.
  await device.open(dice.chance(0.5) ? "events by TCP" : "socket", Infinity);
  const taken = await device.take();
  await assertAlive(fuzz, worker.url);
  tally.count("stalled readers");
  return `a reader of ${
    fuzz.nameOf(mailbox)
  } stalls, ${count} large messages; ${label(fuzz, device)} takes ${taken}`;
};

/** Bytes that a slow upload sends at a time. */
const TRICKLE = [1, 7, 100];

/** An upload that comes in drops, and is cut before its end; it is sent again. */
export const stalledUpload: Step = async (fuzz) => {
  const { dice, world, tally } = fuzz;
  const sending = throwSending(fuzz);
  const { bytes } = sending.envelope;
  const worker = world.next();
  const upload = await RawConnection.open(worker.url);
  await upload.begin("POST /v1/messages", {
    "Content-Type": "application/vnd.minima.maxtxpow",
    "Content-Length": String(bytes.length),
  });
  const half = dice.between(0, bytes.length - 600);
  await upload.send(bytes.subarray(0, half));
  const drops = dice.between(1, 5);
  let at = half;
  for (let i = 0; i < drops; i++) {
    const next = at + (dice.pick(TRICKLE) ?? 1);
    await upload.send(bytes.subarray(at, next));
    at = next;
    // Others are served between any two drops.
    if (i === 0) await store(fuzz, newMessage(fuzz, fuzz.device().mailbox));
  }
  assert.ok(at < bytes.length, "it never was whole");
  await assertAlive(fuzz, worker.url);
  upload[Symbol.dispose]();
  tally.count("uploads stalled and cut");
  // Nothing of it was stored: it is new, if it was new before.
  const words = await deliver(fuzz, { ...sending, isMore: false });
  return `an upload stalls at ${at} bytes and is cut; ${words}`;
};

const BAD_SOCKETS = [
  "?delivery=x",
  "?delivery=link&bandwidth=1",
  "?bandwidth=-1",
  "?bandwidth=1e9",
  "?after=nowhere",
  "?after=",
] as const;

/** Sockets are asked for that cannot be had; the relay says so, and lives. */
export const badSocket: Step = async (fuzz) => {
  const { dice, world, tally } = fuzz;
  const { mailbox } = fuzz.device();
  const worker = world.next();
  const query = dice.pick(BAD_SOCKETS) ?? "";
  using socket = await RawConnection.open(worker.url);
  await socket.begin(`GET /v1/mailboxes/${mailbox}/socket${query}`, {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": `restante.v1, bearer.${await worker.owner(
      mailbox,
    ).token()}`,
  });
  assert.equal(await socket.status(), 400, `a socket ${query}`);
  await assertAlive(fuzz, worker.url);
  tally.count("sockets with bad parameters");
  return `a socket of ${fuzz.nameOf(mailbox)} is asked for with ${query}`;
};
