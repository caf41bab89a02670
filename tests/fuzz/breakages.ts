/** Stores that break their promise, each in one way, for a relay to run on. */
import type { MessageEntry } from "../../kv/mail/entry.ts";
import type { Store } from "../../kv/store/store.ts";
import type { Breakage } from "./world.ts";

type Entries = Deno.KvEntry<MessageEntry>[];

/** Breaks the listing of logs: `key` tells a listed message from all others. */
function listing(
  alter: (entries: Entries, numberOf: (one: Entries[0]) => number) => Entries,
): Breakage {
  const numbers = new Map<string, number>();
  const numberOf = ({ key }: Entries[0]) => {
    const stamp = String(key.at(-1));
    const number = numbers.get(stamp) ?? numbers.size + 1;
    numbers.set(stamp, number);
    return number;
  };
  return (store) => {
    const list = store.list.bind(store);
    store.list = async <T>(range: Deno.KvListSelector, limit?: number) => {
      const entries = await list<T>(range, limit);
      const isLog = "prefix" in range && range.prefix[0] === "message";
      if (!isLog) return entries;
      return alter(entries as unknown as Entries, numberOf) as typeof entries;
    };
  };
}

/** Hears of every operation before it is committed. */
function committing(
  alter: (operation: Deno.AtomicOperation) => void,
): Breakage {
  return (store) => {
    const commit = store.commit.bind(store);
    store.commit = (build) =>
      commit((operation) => {
        alter(operation);
        build(operation);
      });
  };
}

function changed(one: Entries[0], changes: Partial<MessageEntry>): Entries[0] {
  return { ...one, value: { ...one.value, ...changes } };
}

async function deleteNewest(store: Store): Promise<void> {
  const newest = (await store.list({ prefix: ["message"] })).at(-1);
  if (newest === undefined) return;
  await store.commit((operation) => operation.delete(newest.key));
}

/** Each breakage by what it does; a maker, for some of them count. */
export const BREAKAGES: Readonly<Record<string, () => Breakage>> = {
  "drops every 20th message": () =>
    listing((entries, numberOf) =>
      entries.filter((one) => numberOf(one) % 20 !== 0)
    ),
  "repeats every 20th message": () =>
    listing((entries, numberOf) =>
      entries.flatMap((one) => numberOf(one) % 20 === 0 ? [one, one] : [one])
    ),
  "swaps the first two of three": () =>
    listing((entries) => {
      const [a, b, c, ...rest] = entries;
      return a && b && c ? [b, a, c, ...rest] : entries;
    }),
  "alters a byte of every 20th body": () =>
    listing((entries, numberOf) =>
      entries.map((one) => {
        if (numberOf(one) % 20 !== 0 || !one.value.body) return one;
        const body = one.value.body.slice();
        body[body.length - 1] = ~(body.at(-1) ?? 0);
        return changed(one, { body });
      })
    ),
  "ends every 20th hold a second early": () =>
    listing((entries, numberOf) =>
      entries.map((one) =>
        numberOf(one) % 20 === 0
          ? changed(one, { holdUntil: one.value.holdUntil - 1_000 })
          : one
      )
    ),
  "loses the newest message at a restart": () => async (store, life) => {
    if (life > 1) await deleteNewest(store);
  },
  "forgets that devices have acknowledged": () => (store) => {
    const list = store.list.bind(store);
    store.list = async (range, limit) =>
      "prefix" in range && range.prefix[0] === "reader"
        ? []
        : await list(range, limit);
  },
  "keeps every other message that was deleted": () => {
    // Not all of them: acknowledging goes on until nothing is left.
    let deletes = 0;
    return committing((operation) => {
      const remove = operation.delete.bind(operation);
      operation.delete = (key) =>
        key[0] === "message" && deletes++ % 2 === 0 ? operation : remove(key);
    });
  },
  "stores what it has again": () =>
    committing((operation) => {
      operation.check = () => operation;
    }),
  "loses the segments of bodies": () =>
    committing((operation) => {
      const set = operation.set.bind(operation);
      operation.set = (key, ...rest) =>
        key[0] === "segment" ? operation : set(key, ...rest);
    }),
};
