/**
 * A few workers that do a private key's operations, so that these do not hold up
 * everything else that a relay does. Where there are no workers, or none yet, it
 * is done here.
 */
import type { Bytes } from "../bytes.ts";
import { Problem } from "../problem.ts";
import type { UnwrappedKey } from "./pkcs1.ts";
import type { ExportableRsaKey } from "./rsa.ts";
import type { KeyMessage, WorkerReply, WrappedMessage } from "./rsa_message.ts";

/** How a pool is made. */
export interface RsaPoolOptions {
  /** Most workers; 2 if not said. */
  readonly workers?: number;
  /** Most operations that wait for a worker; 64 if not said. */
  readonly waiting?: number;
  /** Starts a worker of `rsa_worker.ts`; throws where there can be none. */
  readonly startWorker?: () => Worker;
}

/** Seconds after which a caller may try a busy pool again. */
const RETRY_AFTER = 1;
/** Workers that may fail in a row before it is done without. */
const MAX_FAILURES = 3;

/** Something to be unwrapped. */
interface Job {
  readonly wrapped: Bytes;
  readonly resolve: (unwrapped: UnwrappedKey) => void;
}

/** A worker and what it is doing. */
interface Hand {
  readonly worker: Worker;
  isReady: boolean;
  job: Job | null;
}

/** Workers that unwrap. They are started when they are needed first. */
export class RsaPool implements Disposable {
  readonly #key: ExportableRsaKey;
  readonly #most: number;
  readonly #mostWaiting: number;
  readonly #startWorker: () => Worker;
  readonly #hands = new Set<Hand>();
  readonly #waiting: Job[] = [];
  /** The key as workers are given it. */
  #pkcs8: Promise<Bytes> | null = null;
  /** Workers that failed since one last did something. */
  #failures = 0;
  #isClosed = false;

  /** For one private key. */
  constructor(key: ExportableRsaKey, options: RsaPoolOptions = {}) {
    const { workers = 2, waiting = 64, startWorker = startRsaWorker } = options;
    this.#key = key;
    this.#most = workers;
    this.#mostWaiting = waiting;
    this.#startWorker = startWorker;
  }

  /** Workers that are ready. */
  get size(): number {
    return [...this.#hands].filter(({ isReady }) => isReady).length;
  }

  /** Operations that wait for a worker. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * The AES key in a wrapped key.
   *
   * @throws {Problem} `busy` if too many wait already
   */
  async unwrap(wrapped: Bytes): Promise<UnwrappedKey> {
    this.#enlist();
    if (this.size === 0) return this.#key.unwrap(wrapped);
    if (this.#waiting.length >= this.#mostWaiting) {
      throw new Problem("busy", "too many handshakes at once", {
        retryAfter: RETRY_AFTER,
      });
    }
    return await new Promise((resolve) => {
      this.#waiting.push({ wrapped, resolve });
      this.#feed();
    });
  }

  /** Ends the workers; what they were at is done here. */
  close(): void {
    this.#isClosed = true;
    for (const hand of [...this.#hands]) this.#dismiss(hand);
  }

  /** The same. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Starts one more worker, if all there are have something to do. */
  #enlist(): void {
    const isIdle = [...this.#hands].some(({ job }) => job === null);
    if (isIdle || this.#hands.size >= this.#most) return;
    if (this.#isClosed || this.#failures >= MAX_FAILURES) return;
    try {
      const worker = this.#startWorker();
      const hand: Hand = { worker, isReady: false, job: null };
      this.#hands.add(hand);
      worker.onmessage = ({ data }: MessageEvent<WorkerReply>) =>
        this.#hear(hand, data);
      worker.onerror = (event) => {
        event.preventDefault(); // or Deno ends the whole program
        this.#fail(hand);
      };
      worker.onmessageerror = () => this.#fail(hand);
      this.#pkcs8 ??= this.#key.exportPkcs8();
      this.#pkcs8.then((pkcs8) =>
        worker.postMessage({ pkcs8 } satisfies KeyMessage)
      );
    } catch {
      this.#failures = MAX_FAILURES; // no workers here: so be it
    }
  }

  #hear(hand: Hand, reply: WorkerReply): void {
    if (!this.#hands.has(hand)) return; // sent before it was dismissed
    if (reply.isReady) hand.isReady = true;
    else {
      this.#failures = 0;
      const { key, valid } = reply;
      hand.job?.resolve({ key, valid });
      hand.job = null;
    }
    this.#feed();
  }

  #fail(hand: Hand): void {
    if (!this.#hands.has(hand)) return;
    this.#failures++;
    this.#dismiss(hand);
  }

  /** What it was at is done here, and all that waits, if it was the last. */
  #dismiss(hand: Hand): void {
    hand.worker.terminate();
    this.#hands.delete(hand);
    const jobs = hand.job === null ? [] : [hand.job];
    if (this.size === 0) jobs.push(...this.#waiting.splice(0));
    for (const { wrapped, resolve } of jobs) {
      resolve(this.#key.unwrap(wrapped));
    }
  }

  #feed(): void {
    for (const hand of this.#hands) {
      if (!hand.isReady || hand.job !== null) continue;
      hand.job = this.#waiting.shift() ?? null;
      if (hand.job === null) return;
      const { wrapped } = hand.job;
      hand.worker.postMessage({ wrapped } satisfies WrappedMessage);
    }
  }
}

/** Throws where there are no workers, or none are allowed. */
function startRsaWorker(): Worker {
  return new Worker(new URL("./rsa_worker.ts", import.meta.url), {
    type: "module",
  });
}
