/** What messages take of a store, and nothing of what restante does about them. */
import type { MailboxId } from "../lib/ids.ts";
import { systemRandom } from "../lib/random.ts";

/** Seconds for which they are held. */
const HOLD = 86_400;

/** Stores a message for each of the mailboxes, in one operation. */
export async function writeBare(
  kv: Deno.Kv,
  mailboxes: readonly MailboxId[],
  bytes: number,
): Promise<void> {
  const expireIn = 1_000 * HOLD;
  const operation = kv.atomic().set(["doorbell", 1], true)
    .sum(["relay-usage", 1, 1], BigInt(bytes));
  for (const mailbox of mailboxes) {
    const id = systemRandom(32).toHex();
    const facts = {
      mailbox,
      object: id,
      size: bytes,
      storedAt: 0,
      holdUntil: 0,
      paid: { by: "work", hashes: 10_000 },
    };
    operation
      .check({ key: ["seen", id], versionstamp: null })
      .set(["seen", id], facts, { expireIn })
      .set(["message", mailbox, id, kv.commitVersionstamp()], {
        ...facts,
        id,
        body: systemRandom(bytes),
      }, { expireIn })
      .set(["object", id], { mailbox, size: bytes, holdUntil: 0 }, { expireIn })
      .sum(["usage", mailbox, 1], BigInt(bytes));
  }
  await operation.commit();
}
