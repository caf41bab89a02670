/** Restoring more mail than may wait to be stored. */
import assert from "node:assert/strict";
import { commitMessage } from "../../../kv/mail/accept.ts";
import type { QueueLimits } from "../../../kv/store/commit_queue.ts";
import { openStore } from "../../../kv/store/store.ts";
import { newMailbox, newMessage, NOW } from "../message_maker.ts";
import { copyOf, restoreInto } from "./backup_copy.ts";

const CASES: readonly (readonly [
  what: string,
  count: number,
  size: number,
  hold: number,
  queue: Partial<QueueLimits>,
])[] = [
  // Of those of which a tombstone is left, thousands are within a few bytes.
  ["messages", 1_500, 8, 0, { parts: 1_000 }],
  ["bytes", 40, 300_000, 3_600, { bytes: 8 * 2 ** 20 }],
];

for (const [what, count, size, hold, queue] of CASES) {
  Deno.test(`restoreStore() has no more ${what} wait than a queue takes`, async () => {
    using from = await openStore(":memory:");
    const mailbox = newMailbox();
    await Promise.all(
      Array.from(
        { length: count },
        () => commitMessage(from, newMessage(mailbox, size, { hold }), NOW),
      ),
    );
    const { file } = await copyOf(from);
    using to = await openStore(":memory:", { queue });
    const { messages } = await restoreInto(to, file);
    assert.equal(messages, count);
  });
}
