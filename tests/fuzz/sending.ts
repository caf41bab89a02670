/** Steps that send by the front door, with real work; also what was sent. */
import assert from "node:assert/strict";
import { DEFAULT_WINDOW } from "../../lib/work/check.ts";
import { Clock } from "../routes/clock.ts";
import { postEnvelope } from "../routes/owner.ts";
import { keys } from "../../kv/kinds.ts";
import type { StoredMessage } from "../../kv/mail/entry.ts";
import type { Bytes } from "../../lib/bytes.ts";
import type { Fuzz, Step } from "./fuzz.ts";
import { type Mined, minedEnvelopes } from "./mail.ts";
import { isMarked, type Kept } from "./model.ts";
import { checkLonger, fasterOf } from "./posting.ts";

/** An envelope, and what its sender wishes. */
interface Sending {
  readonly envelope: Mined;
  /** Whether it was mined again for more. */
  readonly isMore: boolean;
  readonly minBandwidth: number;
  /** Seconds; all that is paid for, if not said. */
  readonly hold: number | undefined;
}

/** Throws for an envelope and its sender's wishes. */
export function throwSending({ dice }: Fuzz): Sending {
  const envelope = dice.pick(minedEnvelopes());
  assert.ok(envelope);
  return {
    envelope,
    isMore: dice.chance(0.3),
    minBandwidth: dice.chance(0.7) ? 0 : 9_001,
    hold: dice.pick([3_600, 3_601, 7_000, undefined]),
  };
}

function queryOf({ minBandwidth, hold }: Sending): string {
  const wish = hold === undefined ? "" : `&hold=${hold}`;
  return `?minBandwidth=${minBandwidth}${wish}`;
}

function bytesOf({ envelope, isMore }: Sending): Bytes {
  return isMore ? envelope.more : envelope.bytes;
}

/** What the front door answers, as far as it is looked at here. */
interface Answer extends StoredMessage {
  readonly block: boolean;
  readonly receipt: string;
  readonly extended?: true;
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
  const { envelope: { id, mailbox }, isMore, minBandwidth } = sending;
  const before = model.messages.find(({ stored }) => stored.id === id);
  const body = bytesOf(sending);
  const answers = await Promise.all(
    Array.from({ length: times }, async () => {
      const response = await world.ask(() =>
        postEnvelope(world.next().relay, body, queryOf(sending))
      );
      return { status: response.status, answer: await response.json() };
    }),
  );
  const words = `send an envelope${isMore ? " with more work" : ""} to ${
    fuzz.nameOf(mailbox)
  } for ${sending.hold} s`;
  const isLate = now - DEFAULT_WINDOW.back > new Clock().time;
  const isStale = answers[0]?.answer.type?.split("/").at(-1) === "work-stale";
  if (isStale) {
    const mayBe = before === undefined || isMore || !isMarked(before, now);
    assert.ok(isLate && mayBe, "its work is not too old, or it is stored");
    for (const { answer } of answers) {
      assert.equal(answer.type?.split("/").at(-1), "work-stale");
    }
    tally.count("posts too late");
    return `${words} too late`;
  }
  assert.ok(!isLate || before !== undefined, "work of so long ago is refused");
  const told = answers.map(({ status, answer }) => {
    const isTold = status === 200 || status === 201;
    assert.ok(isTold, `stored, not ${status}: ${JSON.stringify(answer)}`);
    const { extended = false, ...rest } = answer as Answer;
    return { isCreated: status === 201, isExtended: extended, answer: rest };
  });
  const created = told.filter(({ isCreated }) => isCreated).length;
  const extended = told.filter(({ isExtended }) => isExtended).length;
  const [first] = told;
  assert.ok(first);
  for (const { answer } of told) {
    assert.deepEqual(answer, first.answer, "the same answer and receipt");
  }
  const { answer } = first;
  const { block: _block, receipt: _receipt, ...stored } = answer;
  const mark = (await world.store().get(keys.seen(id))).value;
  assert.ok(mark, "it has its mark");
  const { paidFor = 0, workUntil = 0 } = mark;
  if (before !== undefined) {
    assert.equal(created, 0, "stored before");
    checkAgain(fuzz, before, { sending, answer, paidFor });
    const hasGrown = stored.holdUntil > before.stored.holdUntil;
    const isSure = !isUnknown && !world.isFailing;
    assert.ok(extended <= (hasGrown ? 1 : 0), "extended at most once");
    if (isSure) assert.equal(extended, hasGrown ? 1 : 0, "and it is said");
    tally.count("replays by the front door");
    if (hasGrown) tally.count("extensions by the front door");
    model.improve(before, {
      stored,
      minBandwidth: isHeld(before, now)
        ? fasterOf(before.minBandwidth, minBandwidth)
        : before.minBandwidth,
      paidFor,
      workUntil,
      answer,
    });
    return `${words} again`;
  }
  if (!isUnknown && !world.isFailing) assert.equal(created, 1, "stored");
  else assert.ok(created <= 1, "stored, and once");
  if (isCutOff && created === 0) {
    tally.count("posts cut off that were stored");
  }
  model.add({
    stored,
    body,
    minBandwidth,
    priority: "normal",
    paidFor,
    workUntil,
    answer,
  });
  tally.count("posts by the front door");
  return words;
}

function isHeld({ deletedAt, stored }: Kept, now: number): boolean {
  return deletedAt === null && stored.holdUntil > now;
}

/** An answer to what was stored before: as it was then, or better. */
function checkAgain(
  { now }: Fuzz,
  before: Kept,
  { sending, answer, paidFor }: {
    readonly sending: Sending;
    readonly answer: Answer;
    readonly paidFor: number;
  },
): void {
  const { holdUntil, paid, receipt, ...rest } = answer;
  const { stored } = before;
  const formerly = before.answer as Answer;
  const { holdUntil: _, paid: __, receipt: ___, ...former } = formerly;
  assert.deepEqual(rest, former, "as it was answered then");
  const held = isHeld(before, now);
  checkLonger(stored, holdUntil, held ? sending.hold : 0, paidFor);
  assert.ok(paid.hashes >= stored.paid.hashes, "paid with no less");
  if (held && sending.isMore) {
    assert.ok(paid.hashes > HASHES_OF_LESS, "more work counts");
  }
  const isSame = holdUntil === formerly.holdUntil &&
    paid.hashes === formerly.paid.hashes;
  assert.equal(receipt === formerly.receipt, isSame, "its receipt");
}

/** More than any of the envelopes has that were not mined again. */
const HASHES_OF_LESS = 30_000;

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
    body: bytesOf(sending),
    signal: gone.signal,
  }).then((response) => response.bytes()).catch(() => null);
  const timer = setTimeout(() => gone.abort(), dice.between(0, 3));
  const isCutOff = await answer === null;
  clearTimeout(timer);
  if (isCutOff) tally.count("posts cut off");
  const words = await deliver(fuzz, sending, { isUnknown: true, isCutOff });
  return `${words}, ${isCutOff ? "cut off" : "answered"} before`;
};
