/** Steps that send by the front door, with real work; also what was sent. */
import assert from "node:assert/strict";
import { DEFAULT_WINDOW } from "../../lib/work/check.ts";
import { Clock } from "../routes/clock.ts";
import { postEnvelope } from "../routes/owner.ts";
import type { Fuzz, Step } from "./fuzz.ts";
import { type Mined, minedEnvelopes } from "./mail.ts";

/** An envelope, and what its sender wishes. */
interface Sending {
  readonly envelope: Mined;
  readonly minBandwidth: number;
  /** Seconds. */
  readonly hold: number;
}

/** Throws for an envelope and its sender's wishes. */
export function throwSending({ dice }: Fuzz): Sending {
  const envelope = dice.pick(minedEnvelopes());
  assert.ok(envelope);
  return {
    envelope,
    minBandwidth: dice.chance(0.7) ? 0 : 9_001,
    hold: dice.pick([3_600, 7_200]) ?? 3_600,
  };
}

function queryOf({ minBandwidth, hold }: Sending): string {
  return `?minBandwidth=${minBandwidth}&hold=${hold}`;
}

/**
 * Sends an envelope so many times at once, and notes what came of it. One that
 * was sent before without an answer may be stored already.
 */
export async function deliver(
  fuzz: Fuzz,
  sending: Sending,
  { times = 1, isUnknown = false, isCutOff = false } = {},
): Promise<string> {
  const { model, world, now, tally } = fuzz;
  const { envelope: { mailbox, bytes }, minBandwidth } = sending;
  const before = model.messages.find(({ body }) => body === bytes);
  const answers = await Promise.all(
    Array.from({ length: times }, async () => {
      const response = await world.ask(() =>
        postEnvelope(world.next().relay, bytes, queryOf(sending))
      );
      return { status: response.status, answer: await response.json() };
    }),
  );
  const words = `send an envelope to ${fuzz.nameOf(mailbox)}`;
  const created = answers.filter(({ status }) => status === 201).length;
  const [first] = answers;
  assert.ok(first);
  const isLate = now - DEFAULT_WINDOW.back > new Clock().time;
  if (before === undefined && isLate) {
    for (const { answer } of answers) {
      assert.equal(answer.type?.split("/").at(-1), "work-stale");
    }
    return `${words} too late`;
  }
  for (const { status, answer } of answers) {
    assert.ok(status === 200 || status === 201, `stored, not ${status}`);
    assert.deepEqual(answer, first.answer, "the same answer and receipt");
  }
  if (before !== undefined) {
    assert.equal(created, 0, "stored before");
    assert.deepEqual(first.answer, before.answer, "as it was answered then");
    tally.count("replays by the front door");
    return `${words} again`;
  }
  if (!isUnknown && !world.isFailing) assert.equal(created, 1, "stored");
  else assert.ok(created <= 1, "stored, and once");
  if (isCutOff && created === 0) {
    tally.count("posts cut off that were stored");
  }
  const { block: _block, receipt: _receipt, ...stored } = first.answer;
  const { answer } = first;
  model.add({ stored, body: bytes, minBandwidth, priority: "normal", answer });
  tally.count("posts by the front door");
  return words;
}

/** An envelope, sent once, or some times at once. */
export const send: Step = async (fuzz) => {
  const times = fuzz.dice.chance(0.8) ? 1 : fuzz.dice.between(2, 4);
  const words = await deliver(fuzz, throwSending(fuzz), { times });
  if (times === 1) return words;
  fuzz.tally.count("races of one message by the front door");
  return `${words}, ${times} times at once`;
};

/** Envelopes at once. */
export const sendSome: Step = async (fuzz) => {
  const sendings = Array.from(
    { length: fuzz.dice.between(2, 6) },
    () => throwSending(fuzz),
  );
  // The same one at once is the other step's.
  const apart = new Map(sendings.map((one) => [one.envelope, one]));
  const words = await Promise.all(
    [...apart.values()].map((one) => deliver(fuzz, one)),
  );
  if (apart.size > 1) fuzz.tally.count("posts by the front door at once");
  return `at once: ${words.join(", ")}`;
};

/** A connection breaks while an envelope is sent; it is sent again. */
export const sendCutOff: Step = async (fuzz) => {
  const { dice, world, tally } = fuzz;
  const sending = throwSending(fuzz);
  const gone = new AbortController();
  const answer = fetch(`${world.next().url}/v1/messages${queryOf(sending)}`, {
    method: "POST",
    headers: { "Content-Type": "application/vnd.minima.maxtxpow" },
    body: sending.envelope.bytes,
    signal: gone.signal,
  }).then((response) => response.bytes()).catch(() => null);
  const timer = setTimeout(() => gone.abort(), dice.between(0, 3));
  const isCutOff = await answer === null;
  clearTimeout(timer);
  if (isCutOff) tally.count("posts cut off");
  const words = await deliver(fuzz, sending, { isUnknown: true, isCutOff });
  return `${words}, ${isCutOff ? "cut off" : "answered"} before`;
};
