/** A database whose answers a test can keep back. */
import type { Entry, EntryMaybe, Key, Range } from "../../kv/store/database.ts";
import { SpiedDatabase } from "../kv/spied_database.ts";

/** A database whose reads of several entries wait until they are let go. */
export class HeldDatabase extends SpiedDatabase {
  readonly held: (() => void)[] = [];
  isHolding = false;

  override async list<T>(range: Range<T>, limit?: number): Promise<Entry<T>[]> {
    await this.#hold();
    return await super.list(range, limit);
  }

  override async getMany<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Key<T[K]> }],
  ): Promise<{ [K in keyof T]: EntryMaybe<T[K]> }> {
    await this.#hold();
    return await super.getMany<T>(keys);
  }

  async #hold(): Promise<void> {
    if (!this.isHolding) return;
    await new Promise<void>((letGo) => this.held.push(letGo));
  }
}
