/**
 * Group commit: messages that wait together are committed together, for SQLite
 * does one fsync a commit (DESIGN section 4). Each caller hears of its own
 * message alone.
 */
import type { MailboxId, MessageId } from "../../lib/ids.ts";
import { keys, shardOf } from "../keys.ts";
import type { CommitLimits } from "./limits.ts";
import type { StoredFacts } from "../mail/entry.ts";
import type { Store } from "./store.ts";
import { addUsage, USAGE_MUTATIONS } from "../mail/usage.ts";

/** A message's part of a commit. */
export interface CommitPart {
  /** What its mark is called by. */
  readonly id: MessageId;
  /** Whose log it goes into. */
  readonly mailbox: MailboxId;
  /** What its mark will say. */
  readonly facts: StoredFacts;
  /** Mutations that {@link CommitPart.add} adds. */
  readonly mutations: number;
  /** Bytes of their keys and values, at most. */
  readonly bytes: number;
  /** Adds everything but the check and the doorbell. */
  add(operation: Deno.AtomicOperation): void;
}

/** What became of a message: where its mark stands, and whose it is. */
export interface CommitOutcome {
  /** What its mark says. */
  readonly facts: StoredFacts;
  /** Of the commit that stored it. */
  readonly versionstamp: string;
  /** False if the store had the message already. */
  readonly created: boolean;
}

interface Waiting extends CommitPart {
  readonly resolve: (outcome: CommitOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Milliseconds for which the rings of a shard are kept. */
const RINGS_KEPT = 10 * 60_000;
/** The doorbell of a message's shard, and the ring that says whose it was. */
const RING_MUTATIONS = 2;
/** Bytes of these, at most. */
const RING_BYTES = 300;
/** Bytes of the counters' keys and values, at most. */
const USAGE_BYTES = 300;
/** Marks read at once. */
const READ_AT_ONCE = 10;

/** Messages that wait to be committed. */
export class CommitQueue {
  readonly #store: Store;
  readonly #limits: CommitLimits;
  #waiting: Waiting[] = [];
  #isRunning = false;
  /** Told of every mailbox that was just written to. */
  onCommit: (mailboxes: readonly MailboxId[]) => void = () => {};

  /** One for each store: its batches follow one another. */
  constructor(store: Store, limits: CommitLimits) {
    this.#store = store;
    this.#limits = limits;
  }

  /**
   * Commits a message, together with others that wait.
   *
   * @throws {Problem} `busy` if the outcome is not known
   */
  add(part: CommitPart): Promise<CommitOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<CommitOutcome>();
    this.#waiting.push({ ...part, resolve, reject });
    if (!this.#isRunning) this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) await this.#commit(this.#takeBatch());
    this.#isRunning = false;
  }

  /**
   * As many of the first that fit into one operation. All of its sets share one
   * versionstamp, so no mailbox may get two log entries from it.
   */
  #takeBatch(): Waiting[] {
    const taken: Waiting[] = [];
    const left: Waiting[] = [];
    const mailboxes = new Set<MailboxId>();
    const ids = new Set<MessageId>();
    const room = { ...this.#limits };
    for (const one of this.#waiting) {
      const mutations = one.mutations + USAGE_MUTATIONS + RING_MUTATIONS;
      const bytes = one.bytes + USAGE_BYTES + RING_BYTES;
      const fits = room.checks >= 1 && room.mutations >= mutations &&
        room.bytes >= bytes;
      const isApart = !mailboxes.has(one.mailbox) && !ids.has(one.id);
      // Once a mailbox has had to wait, its later messages wait behind it.
      mailboxes.add(one.mailbox);
      // One that fits nowhere goes alone, for the store to refuse.
      if (isApart && (fits || taken.length === 0 && left.length === 0)) {
        ids.add(one.id);
        room.checks -= 1;
        room.mutations -= mutations;
        room.bytes -= bytes;
        taken.push(one);
      } else left.push(one);
    }
    this.#waiting = left;
    return taken;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const versionstamp = await this.#store.commit((operation) =>
        addBatch(operation, this.#store, batch)
      );
      if (versionstamp === null) return await this.#settleRefused(batch);
      for (const { facts, resolve } of batch) {
        resolve({ facts, versionstamp, created: true });
      }
      this.onCommit(batch.map(({ mailbox }) => mailbox));
    } catch (error) {
      await this.#settleUnknown(batch, error);
    }
  }

  /**
   * Some were there already: those are answered, the others come again. One may
   * find its own mark, for a client may repeat a commit whose answer was lost.
   */
  async #settleRefused(batch: readonly Waiting[]): Promise<void> {
    const again: Waiting[] = [];
    for (const { one, mark } of await this.#readMarks(batch)) {
      if (mark.value === null) again.push(one);
      else {one.resolve({
          facts: mark.value,
          versionstamp: mark.versionstamp,
          created: isOwn(mark.value, one),
        });}
    }
    this.#waiting.unshift(...again);
  }

  /** The commit may have gone through: a message's own mark tells. */
  async #settleUnknown(
    batch: readonly Waiting[],
    error: unknown,
  ): Promise<void> {
    try {
      for (const { one, mark } of await this.#readMarks(batch)) {
        if (mark.value === null) one.reject(error);
        else {
          const created = isOwn(mark.value, one);
          one.resolve({
            facts: mark.value,
            versionstamp: mark.versionstamp,
            created,
          });
        }
      }
    } catch {
      // Those behind were not tried, and would each wait as long as this did.
      for (const one of batch.concat(this.#waiting.splice(0))) {
        one.reject(error);
      }
    }
  }

  async #readMarks(
    batch: readonly Waiting[],
  ): Promise<{ one: Waiting; mark: Deno.KvEntryMaybe<StoredFacts> }[]> {
    const marks: Deno.KvEntryMaybe<StoredFacts>[] = [];
    for (let start = 0; start < batch.length; start += READ_AT_ONCE) {
      const some = batch.slice(start, start + READ_AT_ONCE);
      marks.push(
        ...await this.#store.getMany<StoredFacts[]>(
          some.map(({ id }) => keys.seen(id)),
        ),
      );
    }
    return marks.map((mark, i) => ({ one: batch[i] as Waiting, mark }));
  }
}

/** Whether a mark was set by this attempt. */
function isOwn(mark: StoredFacts, { facts }: CommitPart): boolean {
  return mark.attempt === facts.attempt;
}

function addBatch(
  operation: Deno.AtomicOperation,
  store: Store,
  batch: readonly CommitPart[],
): void {
  const shards = new Map<number, MailboxId[]>();
  for (const part of batch) {
    operation.check({ key: keys.seen(part.id), versionstamp: null });
    part.add(operation);
    const shard = shardOf(part.mailbox);
    shards.set(shard, [...shards.get(shard) ?? [], part.mailbox]);
  }
  addUsage(operation, batch.map(({ facts }) => facts));
  for (const [shard, mailboxes] of shards) {
    operation
      .set(keys.doorbell(shard), true)
      .set(keys.ring(shard, store.commitVersionstamp()), mailboxes, {
        expireIn: RINGS_KEPT,
      });
  }
}
