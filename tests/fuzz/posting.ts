/** Steps that send: new messages, the same ones again, many at once. */
import assert from "node:assert/strict";
import { commitMessage } from "../../kv/commit.ts";
import type { NewMessage } from "../../kv/messages.ts";
import type { MailboxId } from "../../lib/ids.ts";
import { DEFAULT_WINDOW } from "../../lib/work/check.ts";
import { Clock } from "../routes/clock.ts";
import { postEnvelope } from "../routes/owner.ts";
import type { Fuzz, Step } from "./fuzz.ts";
import { minedEnvelopes, throwMessage } from "./mail.ts";

/** Has a message stored past the front door, and notes it. */
export async function store(fuzz: Fuzz, message: NewMessage): Promise<void> {
  const { world, model, now } = fuzz;
  const { relay } = world.relay;
  const result = await commitMessage(relay.store, message, now);
  assert.equal(result.created, true, "a new message is created");
  const { body, minBandwidth, priority } = message;
  const { stored } = model.add({
    stored: result.message,
    body,
    minBandwidth,
    priority,
  });
  assert.deepEqual(
    [stored.id, stored.mailbox, stored.size, stored.storedAt, stored.holdUntil],
    [message.id, message.mailbox, body.length, now, now + 1_000 * message.hold],
    "facts of what was stored",
  );
}

/** A new message to a mailbox. */
export function newMessage(fuzz: Fuzz, mailbox: string): NewMessage {
  return throwMessage(fuzz.dice, mailbox as MailboxId, fuzz.now);
}

/** One message. */
export const post: Step = async (fuzz) => {
  const mailbox = fuzz.device().mailbox;
  const message = newMessage(fuzz, mailbox);
  await store(fuzz, message);
  return `post ${message.body.length} bytes to ${fuzz.nameOf(mailbox)}`;
};

/** Messages at once, to the same mailbox and to others. */
export const burst: Step = async (fuzz) => {
  const { dice } = fuzz;
  const count = dice.chance(0.02) ? 110 : dice.between(2, 8);
  const messages = Array.from(
    { length: count },
    () => newMessage(fuzz, fuzz.device().mailbox),
  ).filter(({ body }) => count < 100 || body.length < 1_000);
  const newest = fuzz.model.messages.at(-1)?.stored.cursor ?? "";
  await Promise.all(messages.map((message) => store(fuzz, message)));
  for (const mailbox of fuzz.mailboxes) {
    const cursors = fuzz.model.messages
      .filter(({ stored }) => stored.mailbox === mailbox)
      .map(({ stored }) => stored.cursor)
      .filter((cursor) => cursor > newest);
    assert.equal(new Set(cursors).size, cursors.length, "a cursor for each");
    const sent = messages.filter((one) => one.mailbox === mailbox);
    assert.equal(cursors.length, sent.length, "all above what was there");
  }
  return `post ${messages.length} messages at once`;
};

/** The same message twice at once, past the front door: one is stored. */
export const race: Step = async (fuzz) => {
  const message = newMessage(fuzz, fuzz.device().mailbox);
  const { store } = fuzz.world.relay.relay;
  const [a, b] = await Promise.all([
    commitMessage(store, message, fuzz.now),
    commitMessage(store, message, fuzz.now),
  ]);
  assert.deepEqual([a.created, b.created].toSorted(), [false, true]);
  assert.deepEqual(a.message, b.message, "both are answered alike");
  const { body, minBandwidth, priority } = message;
  fuzz.model.add({ stored: a.message, body, minBandwidth, priority });
  return `post a message to ${fuzz.nameOf(message.mailbox)} twice at once`;
};

/** An earlier message again, with other wishes and another body. */
export const replay: Step = async (fuzz) => {
  const { dice, model, world, now } = fuzz;
  const before = dice.pick(model.messages);
  if (before === undefined) return "nothing to replay";
  const { id, mailbox } = before.stored;
  const again = { ...newMessage(fuzz, mailbox), id };
  const result = await commitMessage(world.relay.relay.store, again, now);
  assert.deepEqual(
    result,
    { created: false, message: before.stored },
    "the facts as they were first stored",
  );
  return `replay ${before.stored.cursor}`;
};

/** An envelope with real work, by the front door; also an earlier one. */
export const send: Step = async (fuzz) => {
  const { dice, model, world, now } = fuzz;
  const minBandwidth = dice.chance(0.7) ? 0 : 9_001;
  const envelope = dice.pick(minedEnvelopes());
  assert.ok(envelope);
  const { mailbox, bytes } = envelope;
  const response = await postEnvelope(
    world.relay,
    bytes,
    `?minBandwidth=${minBandwidth}&hold=${dice.pick([3_600, 7_200])}`,
  );
  const answer = await response.json();
  const before = model.messages.find(({ body }) => body === bytes);
  const words = `send an envelope to ${fuzz.nameOf(mailbox)}`;
  if (before !== undefined) {
    assert.equal(response.status, 200, "stored before");
    assert.deepEqual(answer, before.answer, "the same answer and receipt");
    return `${words} again`;
  }
  if (now - DEFAULT_WINDOW.back > new Clock().time) {
    assert.equal(answer.type?.split("/").at(-1), "work-stale");
    return `${words} too late`;
  }
  assert.equal(response.status, 201, "stored");
  const { block: _block, receipt: _receipt, ...stored } = answer;
  const priority = "normal";
  model.add({ stored, body: bytes, minBandwidth, priority, answer });
  return words;
};
