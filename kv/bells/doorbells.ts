/**
 * Doorbells: waking the readers of a mailbox when it gets mail, whichever
 * worker stored it (DESIGN section 5).
 *
 * A worker has one `kv.watch` at most, on the sharded doorbells, for any number of
 * mailboxes and readers, and hears of its own commits without it. A doorbell tells that something in its shard changed;
 * the rings behind it tell which mailboxes. It may coalesce, come late or not
 * at all: once in a while the doorbells are looked at without being rung.
 */
import type { MailboxId } from "../../lib/ids.ts";
import { type Clock, systemClock } from "../../lib/timers.ts";
import { keys, SHARDS } from "../kinds.ts";
import { onOwnRing, RINGS_KEPT } from "../mail/rings.ts";
import type { EntryMaybe } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { SharedReads } from "./shared_reads.ts";

/** How doorbells are listened to. */
export interface DoorbellOptions {
  /** Milliseconds between two looks at doorbells that did not ring. */
  readonly lookEvery?: number;
  /** Whether to watch and to hear of own commits; off where rings are lost. */
  readonly isHearing?: boolean;
  /** Whether to watch the doorbells; off where that tells nothing (kv/store/location.ts). */
  readonly isWatching?: boolean;
  /** Timers, and how long ago a ring was heard. */
  readonly clock?: Clock;
  /** Told of a watch that failed; it is begun anew. */
  readonly onFailure?: (error: unknown) => void;
}

/** What the listening does, for whoever watches over it. */
export interface BellStats {
  /** Watches that were begun, the first among them. */
  readonly watches: number;
  /** Watches that failed. */
  readonly failures: number;
  /** Looks that the store did not answer. */
  readonly failedLooks: number;
  /** Subscriptions. */
  readonly readers: number;
}

/** Told that a mailbox may have mail, and which ring says so: no two are alike. */
export type Wake = (ring: number) => void;

const LOOK_EVERY = 5_000;
/** Milliseconds after which a watch is begun anew: its back-off never ends. */
const RENEW_EVERY = 5 * 60_000;
/** Milliseconds before a watch that failed is begun anew. */
const RETRY_AFTER = 1_000;
/** Milliseconds of deafness after which rings may be gone that were not heard. */
const DEAF_AFTER = RINGS_KEPT / 2;

const ALL = Array.from({ length: SHARDS }, (_, shard) => shard);

/** How far a shard was heard. */
interface Heard {
  /** Versionstamp of its doorbell. */
  readonly stamp: string;
  /** When: Unix milliseconds, and those of the clock that never goes back. */
  readonly at: readonly [number, number];
}

/** Wakes readers. */
export class Doorbells implements Disposable, AsyncDisposable {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #readers = new Map<MailboxId, Set<Wake>>();
  #rings = 0;
  /** Null before the first look. */
  readonly #heard: (Heard | null)[] = ALL.map(() => null);
  /** What those who are woken read together. */
  readonly reads: SharedReads;
  readonly #stop = new AbortController();
  readonly #callOffs: (() => void)[] = [];
  readonly #watching: Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  /** The watch under way. */
  #bells: ReadableStreamDefaultReader<EntryMaybe[]> | null = null;
  #isLooking = false;
  #counts = { watches: 0, failures: 0, failedLooks: 0 };

  /** Listens until it is disposed of. */
  constructor(
    store: Store,
    {
      lookEvery = LOOK_EVERY,
      isHearing = true,
      isWatching = true,
      clock = systemClock,
      onFailure = () => {},
    }: DoorbellOptions = {},
  ) {
    this.#onFailure = onFailure;
    this.#store = store;
    this.reads = new SharedReads(store);
    this.#clock = clock;
    this.#callOffs.push(clock.every(lookEvery, () => this.#look()));
    if (isHearing) {
      const wake = (mailboxes: readonly MailboxId[]) => this.#wake(mailboxes);
      this.#callOffs.push(onOwnRing(store, wake));
    }
    this.#watching = isHearing && isWatching ? this.#watch() : this.#look();
  }

  /** How it goes. */
  get stats(): BellStats {
    return { ...this.#counts, readers: this.#subscriptions() };
  }

  /** Calls `wake` whenever the mailbox may have mail; gives how to end that. */
  subscribe(mailbox: MailboxId, wake: Wake): () => void {
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
    for (const callOff of this.#callOffs.splice(0)) callOff();
    this.#stop.abort();
    this.#endWatch();
    this.#readers.clear();
  }

  /** The same, and waits until the watch has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    await this.#watching;
  }

  #subscriptions(): number {
    let count = 0;
    for (const readers of this.#readers.values()) count += readers.size;
    return count;
  }

  #wake(mailboxes: Iterable<MailboxId>): void {
    const ring = ++this.#rings;
    for (const mailbox of mailboxes) {
      for (const wake of [...this.#readers.get(mailbox) ?? []]) wake(ring);
    }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#counts.watches += 1;
      const callOff = this.#clock.after(RENEW_EVERY, () => this.#endWatch());
      try {
        const doorbells = ALL.map((shard) => keys.doorbell(shard));
        const bells = this.#store.watch(doorbells).getReader();
        this.#bells = bells;
        for (
          let rung = await bells.read();
          !rung.done;
          rung = await bells.read()
        ) {
          await this.#hearAll(rung.value);
        }
      } catch (error) {
        this.#counts.failures += 1;
        this.#endWatch(); // one that failed still holds a stream of the connection
        this.#onFailure(error);
        await this.#clock.sleep(RETRY_AFTER, signal);
      } finally {
        this.#endWatch();
        callOff();
      }
    }
  }

  #endWatch(): void {
    this.#bells?.cancel().catch(() => {}); // it may have failed
    this.#bells = null;
  }

  /** One at a time: a store that is away gets no more to do when it is back. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const bells = ALL.map((shard) => keys.doorbell(shard));
      await this.#hearAll(await this.#store.getMany<unknown[]>(bells));
    } catch {
      // The store does not answer; the next look may find that it does.
      this.#counts.failedLooks += 1;
    } finally {
      this.#isLooking = false;
    }
  }

  async #hearAll(bells: readonly EntryMaybe[]): Promise<void> {
    await Promise.all(
      bells.map(({ versionstamp }, shard) =>
        this.#hear(shard, versionstamp ?? "")
      ),
    );
  }

  /** Hears what rang in a shard since it was last heard. */
  async #hear(shard: number, stamp: string): Promise<void> {
    const since = this.#heard[shard] ?? null;
    const at = [this.#clock.now(), this.#clock.monotonic()] as const;
    if (since !== null && stamp <= since.stamp) {
      this.#heard[shard] = { stamp: since.stamp, at };
      return;
    }
    // What rang before the first look, or so long ago that the rings may be
    // gone, is not known: everybody looks.
    // A machine that slept tells by one of its two clocks.
    const isDeaf = since === null ||
      at.some((time, i) => time - (since.at[i] ?? 0) > DEAF_AFTER);
    if (isDeaf || this.#readers.size === 0) {
      this.#heard[shard] = { stamp, at };
      return this.#wake([...this.#readers.keys()]);
    }
    const rings = await this.#store.list({
      prefix: keys.rings(shard),
      start: keys.ring(shard, `${since.stamp}\0`),
    });
    // Heard once it is known what rang: a list that fails is made again.
    this.#heard[shard] = { stamp, at };
    this.#wake(new Set(rings.flatMap(({ value }) => value)));
  }
}
