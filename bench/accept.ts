/**
 * Durable accepts a second beside bare atomics of the same keys and bytes, one
 * by one, by as many callers, and so many in one operation.
 */
import { commitMessage, readBefore } from "../kv/mail/accept.ts";
import type { NewMessage } from "../kv/mail/entry.ts";
import { openStore, type Store } from "../kv/store/store.ts";
import { type MailboxId, mailboxIdOf, messageIdOf } from "../lib/ids.ts";
import { systemRandom } from "../lib/random.ts";
import { writeBare } from "./bare_rows.ts";
import { count, printTable } from "./measure.ts";
import { median } from "./rounds.ts";

const BODY = 1_024;
const MAILBOXES = 500;
const HOLD = 86_400;
/** Callers that wait at the same time. */
const CALLERS = [1, 16, 64, 256];
/** Callers of one hot mailbox, and of distinct ones; and how often each. */
const HOT_CALLERS = 64;
const HOT_TURNS = 5;
/** Milliseconds of a round. */
const ROUND = 1_500;

/** Prints one table; the store is a file on disk. */
export async function benchAccept(): Promise<void> {
  const folder = await Deno.makeTempDir();
  const rows = [[
    "callers",
    "accepts/s",
    "bare atomics/s",
    "bare batches/s",
    "one by one/s",
    "to one by one",
    "to batches",
  ]];
  try {
    using store = await openStore(`${folder}/store.kv`);
    using bare = await Deno.openKv(`${folder}/bare.kv`);
    const boxes = Array.from(
      { length: MAILBOXES },
      () => mailboxIdOf(systemRandom(32)),
    );
    const box = (i: number) => boxes[i % MAILBOXES] as MailboxId;
    const accept = (i: number) => acceptOne(store, box(i));
    const write = (i: number) => writeBare(bare, [box(i)], BODY);
    for (const callers of CALLERS) {
      const alone = await rate(1, write);
      const accepts = await rate(callers, accept);
      const atomics = await rate(callers, write);
      const size = Math.min(callers, store.limits.checks);
      const batches = size *
        await rate(
          1,
          (i) =>
            writeBare(
              bare,
              Array.from({ length: size }, (_, n) => box(i * size + n)),
              BODY,
            ),
        );
      rows.push([
        String(callers),
        count(accepts),
        count(atomics),
        count(batches),
        count(alone),
        `${(accepts / alone).toFixed(1)} ×`,
        `${Math.round(100 * accepts / batches)} %`,
      ]);
    }
    printTable("Accepting messages of 1 KiB, durably, on disk", rows);
    printTable(
      `The same with ${HOT_CALLERS} callers: all to one mailbox, beside all to others`,
      await hotRows(store, box),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** One hot mailbox and distinct ones in turns, so that neither has the calm. */
async function hotRows(
  store: Store,
  box: (i: number) => MailboxId,
): Promise<string[][]> {
  const hot: number[] = [];
  const distinct: number[] = [];
  const accept = (mailbox: MailboxId) => acceptOne(store, mailbox);
  for (let turn = 0; turn < HOT_TURNS; turn++) {
    const one = mailboxIdOf(systemRandom(32));
    distinct.push(await rate(HOT_CALLERS, (i) => accept(box(i))));
    hot.push(await rate(HOT_CALLERS, () => accept(one)));
  }
  const [to, toOne] = [median(distinct), median(hot)];
  return [
    ["to distinct mailboxes/s", "to one mailbox/s", "of distinct"],
    [count(to), count(toOne), `${Math.round(100 * toOne / to)} %`],
  ];
}

/** Stores a message as the relay does: by what is read of it first. */
async function acceptOne(store: Store, mailbox: MailboxId): Promise<void> {
  const message = newMessage(mailbox);
  const before = await readBefore(store, message.id, mailbox);
  await commitMessage(store, message, Date.now(), before);
}

function newMessage(mailbox: MailboxId): NewMessage {
  return {
    id: messageIdOf(systemRandom(32)),
    mailbox,
    body: systemRandom(BODY),
    paid: { by: "work", hashes: 10_000 },
    hold: HOLD,
    minBandwidth: 0,
    priority: "normal",
    workUntil: Date.now(),
  };
}

/** Times a second, with so many callers that each wait for their own. */
async function rate(
  callers: number,
  call: (i: number) => Promise<unknown>,
): Promise<number> {
  let done = 0;
  const started = performance.now();
  await Promise.all(Array.from({ length: callers }, async () => {
    while (performance.now() - started < ROUND) await call(done++);
  }));
  return 1_000 * done / (performance.now() - started);
}
