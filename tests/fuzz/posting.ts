/** Steps that send past the front door: new messages, old ones, many at once. */
import assert from "node:assert/strict";
import { commitMessage } from "../../kv/mail/accept.ts";
import type { NewMessage, StoredMessage } from "../../kv/mail/entry.ts";
import type { MailboxId } from "../../lib/ids.ts";
import type { Fuzz, Step } from "./fuzz.ts";
import { throwMessage } from "./mail.ts";

/** Has a message stored past the front door, and notes it. */
export async function store(fuzz: Fuzz, message: NewMessage): Promise<void> {
  const result = await commitMessage(fuzz.world.store(), message, fuzz.now);
  assert.equal(result.created, true, "a new message is created");
  note(fuzz, message, result.message);
}

/** Notes what was stored for a new message. */
export function note(
  { model, now }: Fuzz,
  { id, mailbox, body, hold, minBandwidth, priority }: NewMessage,
  stored: StoredMessage,
): void {
  model.add({ stored, body, minBandwidth, priority });
  model.tally.count("posts");
  const { size, storedAt, holdUntil } = stored;
  assert.deepEqual(
    [stored.id, stored.mailbox, size, storedAt, holdUntil],
    [id, mailbox, body.length, now, now + 1_000 * hold],
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
  const { dice, tally } = fuzz;
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
    if (sent.length > 1) tally.count("posts at once to one mailbox");
  }
  if (new Set(messages.map(({ mailbox }) => mailbox)).size > 1) {
    tally.count("posts at once to several mailboxes");
  }
  return `post ${messages.length} messages at once`;
};

/** The same message twice at once, also by two relays: one is stored. */
export const race: Step = async (fuzz) => {
  const message = newMessage(fuzz, fuzz.device().mailbox);
  const [a, b] = await Promise.all([
    commitMessage(fuzz.world.store(), message, fuzz.now),
    commitMessage(fuzz.world.store(), message, fuzz.now),
  ]);
  assert.deepEqual([a.created, b.created].toSorted(), [false, true]);
  assert.deepEqual(a.message, b.message, "both are answered alike");
  note(fuzz, message, a.message);
  fuzz.tally.count("races of one message");
  return `post a message to ${fuzz.nameOf(message.mailbox)} twice at once`;
};

/** An earlier message again, with other wishes and another body. */
export const replay: Step = async (fuzz) => {
  const { dice, model, world, now, tally } = fuzz;
  const before = dice.pick(model.messages);
  if (before === undefined) return "nothing to replay";
  const { id, mailbox } = before.stored;
  const again = { ...newMessage(fuzz, mailbox), id };
  const result = await commitMessage(world.store(), again, now);
  assert.deepEqual(
    result,
    { created: false, message: before.stored },
    "the facts as they were first stored",
  );
  tally.count("replays");
  return `replay ${before.stored.cursor}`;
};
