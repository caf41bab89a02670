/** A store whose commits take as long as a test wants. */
import { Store } from "../../kv/store/store.ts";
import type { CommitLimits } from "../../kv/store/limits.ts";

/** A commit that has begun, and waits to be let go. */
export interface HeldCommit {
  /** Lets it be done. */
  go(): void;
  /** Fails it, before or after it was done. */
  fail(when: "before" | "after"): void;
}

const LIMITS: CommitLimits = { checks: 100, mutations: 1_000, bytes: 780_000 };

/** Holds commits back, once told to. */
export class SlowKv {
  /** Commits that have begun, in order. */
  readonly held: HeldCommit[] = [];
  /** Whether commits wait. */
  isSlow = false;
  /** Whether reads of several keys fail. */
  isUnreadable = false;
  #noticed = Promise.withResolvers<void>();

  /** Opens a store in memory on it. */
  async open(): Promise<Store> {
    const kv = await Deno.openKv(":memory:");
    const slow = new Proxy(kv, {
      get: (target, name) => {
        if (name === "atomic") return () => this.#hold(target.atomic());
        if (name === "getMany" && this.isUnreadable) {
          return () => Promise.reject(new Error("the connection is lost"));
        }
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    return new Store(slow, "0".repeat(12), LIMITS);
  }

  /** The next commit, once it has begun. */
  async next(): Promise<HeldCommit> {
    for (;;) {
      const held = this.held.shift();
      if (held !== undefined) return held;
      await this.#noticed.promise;
    }
  }

  #hold(operation: Deno.AtomicOperation): Deno.AtomicOperation {
    const commit = operation.commit.bind(operation);
    operation.commit = async () => {
      if (!this.isSlow) return await commit();
      const { promise, resolve } = Promise.withResolvers<
        "go" | "before" | "after"
      >();
      this.held.push({ go: () => resolve("go"), fail: resolve });
      this.#noticed.resolve();
      this.#noticed = Promise.withResolvers();
      const how = await promise;
      if (how === "before") throw new Error("the disk gave up");
      const result = await commit();
      if (how === "after") throw new Error("the connection is lost");
      return result;
    };
    return operation;
  }
}
