/** A poll and a post in mailboxes that hold little and much. */
import { keys } from "../kv/kinds.ts";
import { commitMessage, readBefore } from "../kv/mail/accept.ts";
import type { NewMessage } from "../kv/mail/entry.ts";
import { readAfter } from "../kv/mail/read.ts";
import { encodeRow } from "../kv/mail/row.ts";
import { openStore, type Store } from "../kv/store/store.ts";
import {
  type MailboxId,
  mailboxIdOf,
  messageIdOf,
  objectHashOf,
} from "../lib/ids.ts";
import { systemRandom } from "../lib/random.ts";
import { count, printTable } from "./measure.ts";

const HELD = [10, 10_000, 1_000_000];
const SAMPLES = 400;
/** Log entries written in one commit, straight into the store. */
const AT_ONCE = 400;

/** Prints one table. The log of a million is written past the front door. */
export async function benchMailbox(): Promise<void> {
  const folder = await Deno.makeTempDir();
  const rows = [[
    "messages held",
    "poll p50 ms",
    "post p50 ms",
    "bare get p50 ms",
  ]];
  try {
    using store = await openStore(`${folder}/store.kv`);
    const boxes: MailboxId[] = [];
    for (const held of HELD) boxes.push(await filledBox(store, held));
    for (const [i, held] of HELD.entries()) {
      const mailbox = boxes[i] as MailboxId;
      const { next } = await lastOf(store, mailbox);
      const poll = await p50(() =>
        readAfter(store, {
          mailbox,
          now: Date.now(),
          after: next,
          limit: 100,
          bandwidth: Infinity,
        })
      );
      const post = await p50(async () => {
        const message = messageTo(mailbox);
        const before = await readBefore(store, message.id, mailbox);
        await commitMessage(store, message, Date.now(), before);
      });
      const bare = await p50(() => store.get(keys.store()));
      rows.push([
        count(held),
        ...[poll, post, bare].map((ms) => ms.toFixed(3)),
      ]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  printTable("A poll behind the last message, and a post of 1 KiB", rows);
}

function messageTo(mailbox: MailboxId): NewMessage {
  return {
    id: messageIdOf(systemRandom(32)),
    mailbox,
    body: systemRandom(1_024),
    paid: { by: "work", hashes: 10_000 },
    hold: 86_400,
    minBandwidth: 0,
    priority: "normal",
    workUntil: Date.now(),
  };
}

/** A mailbox with so many small log entries; the last one is a real post. */
async function filledBox(store: Store, held: number): Promise<MailboxId> {
  const mailbox = mailboxIdOf(systemRandom(32));
  const holdUntil = Date.now() + 86_400_000;
  const body = new Uint8Array(20);
  for (let n = 0; n < held - 1; n += AT_ONCE) {
    const some = Math.min(AT_ONCE, held - 1 - n);
    await store.commit((operation) => {
      for (let i = 0; i < some; i++) {
        // The keys are not of commits: this log is only there to be long.
        const stamp = (n + i).toString(16).padStart(20, "0");
        const row = encodeRow([{
          index: 0,
          id: messageIdOf(systemRandom(32)),
          object: objectHashOf(systemRandom(32)),
          size: body.length,
          minBandwidth: 0,
          priority: "normal",
          storedAt: 0,
          holdUntil,
          workUntil: holdUntil,
          place: "entry",
          body,
        }]);
        operation.set(keys.message(mailbox, stamp), row);
      }
    });
  }
  await commitMessage(store, messageTo(mailbox), Date.now());
  return mailbox;
}

/** The cursor of the newest message, by a real post's own answer. */
async function lastOf(
  store: Store,
  mailbox: MailboxId,
): Promise<{ next: string }> {
  const { message } = await commitMessage(
    store,
    messageTo(mailbox),
    Date.now(),
  );
  return { next: message.cursor };
}

async function p50(operation: () => Promise<unknown>): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const started = performance.now();
    await operation();
    samples.push(performance.now() - started);
  }
  return samples.toSorted((a, b) => a - b)[SAMPLES >> 1] ?? NaN;
}
