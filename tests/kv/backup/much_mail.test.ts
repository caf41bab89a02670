/** Restoring more mail than may wait to be stored. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { MAX_READERS } from "../../../kv/mail/readers.ts";
import type { QueueLimits } from "../../../kv/store/commit_queue.ts";
import { openStore } from "../../../kv/store/store.ts";
import { placeOf, START_VERSIONSTAMP } from "../../../lib/cursor.ts";
import { newMailbox, newMessage, NOW } from "../message_maker.ts";
import { copyOf, restoreInto } from "./backup_copy.ts";

/** In former versions some could get past the limit. */
const READERS = 4 * MAX_READERS;
const START = placeOf({ versionstamp: START_VERSIONSTAMP });

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

Deno.test("a hundred mailboxes, each of as many devices as a backup may have, are restored", async () => {
  using from = await openStore(":memory:");
  const names = Array.from(
    { length: READERS },
    (_, n) => `${n}`.padStart(64, "-"),
  );
  const readers = Object.fromEntries(
    names.map((name) => [name, { place: START, at: NOW }]),
  );
  for (let n = 0; n < 100; n++) {
    await from.commit((operation) =>
      operation.set(keys.readers(newMailbox()), readers)
    );
  }
  const { file } = await copyOf(from);
  using to = await openStore(":memory:");
  assert.equal((await restoreInto(to, file)).readers, 100 * READERS);
  for (const { value } of await to.list({ prefix: ["readers"] })) {
    assert.deepEqual(value, readers);
  }
});
