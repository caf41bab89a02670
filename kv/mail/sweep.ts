/**
 * Sweeping: seeing to what is due. Nothing that a reader is told depends on it,
 * for every end is in the value as well; but only then is there room again.
 */
import type { MailboxId } from "../../lib/ids.ts";
import { Problem } from "../../lib/problem.ts";
import type { Clock } from "../../lib/timers.ts";
import { keys } from "../kinds.ts";
import type { Batch } from "../store/commit_part.ts";
import { endLease, takeLease } from "../store/lease.ts";
import type { Store } from "../store/store.ts";
import { changeRows, findRow } from "./change.ts";
import { countOf, removeMessage } from "./delete.ts";
import { type DueItem, type DueRow, hourOf, listDue } from "./due.ts";
import { type MessageEntry, TOMBSTONE_BYTES, TOMBSTONE_MS } from "./entry.ts";
import { mailOf } from "./mail_batch.ts";
import { endUnused } from "./mailboxes.ts";
import { dropMark } from "./marks.ts";
import { deleteObject } from "./objects.ts";
import { HOUR } from "./usage.ts";

/** What a sweep did. */
export interface Swept {
  /** Rows of the due index that were seen to. */
  readonly rows: number;
  /** Whether it saw to everything that is due. */
  readonly isDone: boolean;
}

/** Rows seen to between two looks at the lease. */
const ROWS_AT_ONCE = 20;
/** Milliseconds for which a worker has the sweep to itself. */
const LEASE_MS = 60_000;
/** Milliseconds after which something is tried again that could not be done. */
const PUT_OFF = 86_400_000;

/** How a sweep is made. */
export interface SweepOptions {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Ends it between two rows. */
  readonly signal?: AbortSignal | undefined;
  /** Most rows to see to; all that are due, if not said. */
  readonly most?: number | undefined;
}

/**
 * Sees to what is due: drops the bodies of messages whose hold has ended, then
 * their tombstones, then their marks; and closes mailboxes that nobody uses. One
 * worker does so at a time.
 *
 * @throws {Problem} `busy`
 * @throws what something could not be seen to for, once all else was
 */
export async function sweep(
  store: Store,
  { now, signal, most = Infinity }: SweepOptions,
): Promise<Swept> {
  const holder = crypto.randomUUID();
  let rows = 0;
  let isLeased = false;
  let isDone = false;
  const failures: unknown[] = [];
  try {
    while (!signal?.aborted && rows < most) {
      const due = await listDue(store, now(), Math.min(ROWS_AT_ONCE, most));
      isDone = due.length === 0;
      if (isDone) break;
      const lease = { holder, until: now() + LEASE_MS };
      if (!await takeLease(store, "sweep", lease, now())) break;
      isLeased = true;
      for (const row of due) {
        await seeTo(store, row, now()).catch(async (error: unknown) => {
          if (error instanceof Problem) throw error; // the store is away
          failures.push(error);
          await putOff(store, row, now());
        });
      }
      rows += due.length;
    }
    if (failures.length > 0) throw failures[0];
    return { rows, isDone };
  } finally {
    if (isLeased) await endLease(store, "sweep", holder).catch(() => {});
  }
}

/** Looks again another day, or what cannot be seen to would keep all from it. */
async function putOff(store: Store, row: DueRow, now: number): Promise<void> {
  const { entry, kind, stamp } = row;
  const later = keys.newDue(hourOf(now + PUT_OFF), kind, 0);
  const items = entry.value.map((item) => ({ stamp, ...item }));
  await store.commit((operation) =>
    operation.check(entry).delete(entry.key).set(later, items)
  );
}

/** How many hours the oldest thing lies back that is due; 0 if nothing is. */
export async function overdueHours(store: Store, now: number): Promise<number> {
  const [oldest] = await listDue(store, now, 1);
  if (oldest === undefined) return 0;
  return Math.max(now / HOUR - Number(oldest.entry.key[1]), 0);
}

/** Sees to a row, and takes it out of the index once all of it is done. */
async function seeTo(store: Store, row: DueRow, now: number): Promise<void> {
  const { entry, kind } = row;
  if (kind === "mark") {
    await allOf(entry.value.map((item) => dropMark(store, item, now)));
  } else if (kind === "mailbox") {
    for (const { mailbox } of entry.value) {
      const { lookAt } = await endUnused(store, mailbox, now);
      if (lookAt !== null) await lookAgain(store, mailbox, lookAt);
    }
  } else {
    // Those of one row of the log go together.
    const byRow = Map.groupBy(
      entry.value,
      ({ mailbox, stamp = row.stamp }) => `${mailbox} ${stamp}`,
    );
    await allOf(
      [...byRow.values()].map((items) =>
        kind === "hold"
          ? endHolds(store, items, row.stamp, now)
          : dropTombstones(store, items, row.stamp, now)
      ),
    );
  }
  await store.commit((operation) => operation.delete(entry.key));
}

/** Ends when all have ended: none is left under way where another fails. */
async function allOf(all: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(all))
    .find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

async function lookAgain(
  store: Store,
  mailbox: MailboxId,
  at: number,
): Promise<void> {
  await store.commit((operation) =>
    operation.set(keys.newDue(hourOf(at), "mailbox", 0), [{ mailbox }])
  );
}

/** Drops the bodies of messages of one row; they stay listed without them. */
async function endHolds(
  store: Store,
  items: readonly DueItem[],
  rowStamp: string,
  now: number,
): Promise<void> {
  const over = ({ holdUntil, place }: MessageEntry) =>
    place !== "none" && holdUntil <= now;
  await changeItems(store, items, rowStamp, over, (batch, message, item) => {
    const { mailbox } = item;
    const { usage, due } = mailOf(batch, store);
    const counted = countOf(message);
    usage.change(mailbox, {
      bytes: TOMBSTONE_BYTES - counted.bytes,
      messages: -counted.messages,
    }, now);
    const { object, size, place, id, index, holdUntil } = message;
    deleteObject(batch.operation, object, size, place);
    const { stamp = rowStamp } = item;
    due.add("tombstone", holdUntil + TOMBSTONE_MS, {
      mailbox,
      id,
      stamp,
      index,
    });
    return { ...message, place: "none", body: null };
  });
}

/** Removes messages of one row that are not even listed any more. */
async function dropTombstones(
  store: Store,
  items: readonly DueItem[],
  rowStamp: string,
  now: number,
): Promise<void> {
  const over = ({ holdUntil }: MessageEntry) => holdUntil + TOMBSTONE_MS <= now;
  await changeItems(store, items, rowStamp, over, (batch, message, item) => {
    const { mailbox } = item;
    removeMessage(batch, mailOf(batch, store), { mailbox, message, now });
    return null;
  });
}

/** Changes those messages of one row that items name and that are over. */
async function changeItems(
  store: Store,
  items: readonly DueItem[],
  rowStamp: string,
  isOver: (message: MessageEntry) => boolean,
  change: (
    batch: Batch,
    message: MessageEntry,
    item: DueItem,
  ) => MessageEntry | null,
): Promise<void> {
  const [first] = items;
  if (first === undefined) return;
  const { mailbox, stamp = rowStamp } = first;
  for (;;) {
    const row = await findRow(store, mailbox, stamp);
    if (row === null) return;
    const messages = row.messages.filter((message) =>
      isOver(message) &&
      items.some(({ index }) => index === message.index)
    );
    if (messages.length === 0) return;
    let changed = new Map<MessageEntry, MessageEntry | null>();
    const isDone = await changeRows(store, {
      mailbox,
      rows: [row],
      messages,
      add(batch) {
        changed = new Map(
          messages.map((message) => [message, change(batch, message, first)]),
        );
      },
      become: (message) =>
        changed.has(message) ? changed.get(message) ?? null : message,
    });
    if (isDone) return;
  }
}

/** Milliseconds to the first sweep of a worker, and between two of them. */
const FIRST_SWEEP = 1_000;
const SWEEP_EVERY = 5 * 60_000;

/** Told of every sweep that did something, or failed. */
export type OnSweep = (result: Swept | { readonly error: unknown }) => void;

/** Sweeps soon, and then every few minutes; gives how to end that, for good. */
export function keepSweeping(
  store: Store,
  clock: Clock,
  onSweep: OnSweep = () => {},
): () => Promise<void> {
  const stop = new AbortController();
  let sweeping = Promise.resolve();
  const sweepNow = () => {
    sweeping = sweeping.then(async () => {
      if (stop.signal.aborted) return;
      const { now } = clock;
      await sweep(store, { now, signal: stop.signal })
        .then(onSweep, (error) => onSweep({ error }));
    });
  };
  const callOffs = [
    clock.after(FIRST_SWEEP, sweepNow),
    clock.every(SWEEP_EVERY, sweepNow),
  ];
  return () => {
    stop.abort();
    for (const callOff of callOffs) callOff();
    return sweeping;
  };
}
