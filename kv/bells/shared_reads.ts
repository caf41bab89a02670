/**
 * One read for all whom one ring wakes: thousands may follow a mailbox, and
 * nearly all of them stand at the same place of its log.
 */
import { type Page, readAfter, type ReadOptions } from "../mail/read.ts";
import type { Store } from "../store/store.ts";

/** Reads of a log that are under way. */
export class SharedReads {
  readonly #store: Store;
  readonly #underWay = new Map<string, Promise<Page>>();

  /** Of a store. */
  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * What is behind a cursor, for whoever has heard of a ring. It may be what
   * another one asked for who had heard of the very same ring, and so began to
   * read when all that it rang for was there.
   */
  read(ring: number, options: ReadOptions): Promise<Page> {
    const { mailbox, after, limit, bandwidth, maxBody, pageBytes } = options;
    const name = [ring, mailbox, after, limit, bandwidth, maxBody, pageBytes]
      .join();
    const before = this.#underWay.get(name);
    if (before !== undefined) return before;
    const page = readAfter(this.#store, options);
    this.#underWay.set(name, page);
    const end = () => this.#underWay.delete(name);
    page.then(end, end);
    return page;
  }
}
