/**
 * Doorbells: waking the readers of a mailbox when it gets mail, whichever
 * worker stored it (DESIGN section 5).
 *
 * A worker has one `kv.watch`, on the sharded doorbells, for any number of
 * mailboxes and readers. A doorbell tells that something in its shard changed;
 * the rings behind it tell which mailboxes. It may coalesce, come late or not
 * at all: once in a while the doorbells are looked at without being rung.
 */
import type { MailboxId } from "../../lib/ids.ts";
import { DOORBELL_SHARDS, keys } from "../keys.ts";
import type { Store } from "../store/store.ts";

/** How doorbells are listened to. */
export interface DoorbellOptions {
  /** Milliseconds between two looks at doorbells that did not ring. */
  readonly lookEvery?: number;
  /** Whether to watch and to hear of own commits; off where rings are lost. */
  readonly isHearing?: boolean;
}

const LOOK_EVERY = 5_000;
/** Milliseconds after which a watch is begun anew: its back-off never ends. */
const RENEW_EVERY = 5 * 60_000;
/** Milliseconds before a watch that failed is begun anew. */
const RETRY_AFTER = 1_000;

const SHARDS = Array.from({ length: DOORBELL_SHARDS }, (_, shard) => shard);

/** Wakes readers. */
export class Doorbells implements Disposable, AsyncDisposable {
  readonly #store: Store;
  readonly #readers = new Map<MailboxId, Set<() => void>>();
  /** Up to where each shard's rings were heard; null before the first look. */
  readonly #heard: (string | null)[] = SHARDS.map(() => null);
  readonly #stop = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #watching: Promise<void>;
  #isLooking = false;

  /** Listens until it is disposed of. */
  constructor(
    store: Store,
    { lookEvery = LOOK_EVERY, isHearing = true }: DoorbellOptions = {},
  ) {
    this.#store = store;
    this.#timer = setInterval(() => this.#look(), lookEvery);
    if (isHearing) {
      store.commits.onCommit = (mailboxes) => this.#wake(mailboxes);
    }
    this.#watching = isHearing ? this.#watch() : this.#look();
  }

  /** Calls `wake` whenever the mailbox may have mail; gives how to end that. */
  subscribe(mailbox: MailboxId, wake: () => void): () => void {
    const readers = this.#readers.get(mailbox) ?? new Set();
    this.#readers.set(mailbox, readers.add(wake));
    return () => {
      readers.delete(wake);
      const isCurrent = this.#readers.get(mailbox) === readers;
      if (readers.size === 0 && isCurrent) this.#readers.delete(mailbox);
    };
  }

  /** Stops listening; nobody is woken any more. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#stop.abort();
    this.#readers.clear();
  }

  /** The same, and waits until the watch has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    await this.#watching;
  }

  #wake(mailboxes: Iterable<MailboxId>): void {
    for (const mailbox of mailboxes) {
      for (const wake of this.#readers.get(mailbox) ?? []) wake();
    }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const bells = this.#store.watch(
        SHARDS.map((shard) => keys.doorbell(shard)),
      ).getReader();
      const end = () => bells.cancel().catch(() => {});
      const renewal = setTimeout(end, RENEW_EVERY);
      signal.addEventListener("abort", end);
      try {
        for (
          let rung = await bells.read();
          !rung.done;
          rung = await bells.read()
        ) {
          await this.#hearAll(rung.value);
        }
      } catch {
        if (!signal.aborted) await pause(RETRY_AFTER, signal);
      } finally {
        clearTimeout(renewal);
        signal.removeEventListener("abort", end);
      }
    }
  }

  /** One at a time: a store that is away gets no more to do when it is back. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const bells = SHARDS.map((shard) => keys.doorbell(shard));
      await this.#hearAll(await this.#store.getMany<unknown[]>(bells));
    } catch {
      // The store does not answer; the next look may find that it does.
    } finally {
      this.#isLooking = false;
    }
  }

  async #hearAll(bells: readonly Deno.KvEntryMaybe<unknown>[]): Promise<void> {
    await Promise.all(
      bells.map(({ versionstamp }, shard) =>
        this.#hear(shard, versionstamp ?? "")
      ),
    );
  }

  /** Hears what rang in a shard since it was last heard. */
  async #hear(shard: number, versionstamp: string): Promise<void> {
    const since = this.#heard[shard] ?? null;
    if (since !== null && versionstamp <= since) return;
    // What rang before the first look is not known: everybody looks.
    if (since === null || this.#readers.size === 0) {
      this.#heard[shard] = versionstamp;
      return this.#wake([...this.#readers.keys()]);
    }
    const rings = await this.#store.list<MailboxId[]>({
      prefix: keys.rings(shard),
      start: keys.ring(shard, `${since}\0`),
    });
    // Heard once it is known what rang: a list that fails is made again.
    this.#heard[shard] = versionstamp;
    this.#wake(new Set(rings.flatMap(({ value }) => value)));
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
