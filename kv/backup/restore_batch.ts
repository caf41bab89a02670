/** Writing many small entries, as many in one operation as are sure to fit. */
import type { Key } from "../store/database.ts";
import type { Store } from "../store/store.ts";

/** Bounds that every backend takes. */
const MOST_ENTRIES = 100;
const MOST_BYTES = 100_000;
/** Bytes of an entry's key and value, if nothing else is known. */
const ENTRY_BYTES = 500;

interface Waiting {
  readonly key: Key;
  readonly value: unknown;
  readonly options: { expireIn?: number };
}

/** Entries that wait to be written together. */
export class WriteBatch {
  readonly #store: Store;
  #waiting: Waiting[] = [];
  #bytes = 0;

  /** Writes to a store; {@link WriteBatch.end} writes the last of it. */
  constructor(store: Store) {
    this.#store = store;
  }

  /** Sets an entry, now or with later ones. */
  async set(
    key: Key,
    value: unknown,
    expireIn?: number,
    bytes: number = ENTRY_BYTES,
  ): Promise<void> {
    if (this.#bytes + bytes > MOST_BYTES) await this.end();
    const options = expireIn === undefined ? {} : { expireIn };
    this.#waiting.push({ key, value, options });
    this.#bytes += bytes;
    if (this.#waiting.length === MOST_ENTRIES) await this.end();
  }

  /** Writes what waits. */
  async end(): Promise<void> {
    const waiting = this.#waiting;
    [this.#waiting, this.#bytes] = [[], 0];
    if (waiting.length === 0) return;
    await this.#store.commit((operation) => {
      for (const { key, value, options } of waiting) {
        operation.set(key, value, options);
      }
    });
  }
}
