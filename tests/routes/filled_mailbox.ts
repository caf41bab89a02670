/** A mailbox with mail that was put there past the front door. */
import { commitMessage } from "../../kv/mail/accept.ts";
import type { StoredMessage } from "../../kv/mail/entry.ts";
import { messageIdOf } from "../../lib/ids.ts";
import { randomBytes } from "./envelopes.ts";
import { Owner } from "./owner.ts";
import type { TestRelay } from "./relay_fixture.ts";

/**
 * Has so many messages stored, small ones and for an hour if not told
 * otherwise, without work for them.
 */
export async function fill(
  { relay: { relay, clock }, mailbox }: Owner,
  count: number,
  hold = 3_600,
  bytes = 60,
): Promise<StoredMessage[]> {
  const stored: StoredMessage[] = [];
  for (let i = 0; i < count; i++) {
    const { message } = await commitMessage(relay.store, {
      id: messageIdOf(randomBytes(32)),
      mailbox,
      body: randomBytes(bytes),
      paid: { by: "work", hashes: 10_000 },
      hold,
      minBandwidth: 0,
      priority: "normal",
      workUntil: clock.time,
    }, clock.time);
    stored.push(message);
  }
  return stored;
}

/** A new mailbox with so many messages, and their cursors in order. */
export async function filledMailbox(
  relay: TestRelay,
  count: number,
): Promise<{ owner: Owner; cursors: string[] }> {
  const owner = await Owner.open(relay);
  const stored = await fill(owner, count);
  return { owner, cursors: stored.map(({ cursor }) => cursor) };
}
