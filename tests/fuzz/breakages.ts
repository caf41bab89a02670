/** Databases that break the promise, each in one way, for a relay to run on. */
import type { Bytes } from "../../lib/bytes.ts";
import type { MessageEntry, StoredFacts } from "../../kv/mail/entry.ts";
import { decodeRow, encodeRow } from "../../kv/mail/row.ts";
import {
  type Database,
  type Entry,
  type EntryMaybe,
  type Key,
  type Mutation,
  Operation,
} from "../../kv/store/database.ts";
import { around } from "./failures.ts";
import type { Breakage } from "./world.ts";

type Rows = Entry<Bytes>[];

/** Breaks the listing of logs, row by row. */
function listing(alter: (rows: Rows) => Rows): Breakage {
  return (database) =>
    around(database, {
      async list(range, limit) {
        const entries = await database.list(range, limit);
        const isLog = range.prefix?.[0] === "message";
        return isLog
          ? alter(entries as unknown as Rows) as unknown as typeof entries
          : entries;
      },
    });
}

/** Breaks the listing of messages; `numberOf` tells one from all others. */
function listingEach(
  alter: (one: MessageEntry, number: number) => MessageEntry[],
): Breakage {
  const numbers = new Map<string, number>();
  const numberOf = ({ id }: MessageEntry) => {
    const number = numbers.get(id) ?? numbers.size + 1;
    numbers.set(id, number);
    return number;
  };
  return listing((rows) =>
    rows.map((row) => {
      const messages = decodeRow(row.value);
      return {
        ...row,
        value: encodeRow(
          messages.flatMap((one) => alter(one, numberOf(one))),
        ),
      };
    })
  );
}

/** Hears of every operation before it is committed. */
function committing(alter: (operation: Operation) => Operation): Breakage {
  return (database) =>
    around(database, {
      commit: (operation) => database.commit(alter(operation)),
    });
}

/** Leaves out or exchanges parts of operations. */
function mutating(alter: (one: Mutation) => Mutation | null): Breakage {
  return committing((operation) => {
    const altered = new Operation().check(...operation.checks);
    altered.mutations.push(
      ...operation.mutations.flatMap((one) => alter(one) ?? []),
    );
    return altered;
  });
}

/** An operation without its checks of a kind. */
function without(operation: Operation, kind: string): Operation {
  const altered = new Operation().check(
    ...operation.checks.filter(({ key }) => key[0] !== kind),
  );
  altered.mutations.push(...operation.mutations);
  return altered;
}

function nothingAt(key: Key): EntryMaybe {
  return { key, value: null, versionstamp: null };
}

async function deleteNewest(database: Database): Promise<void> {
  const newest = (await database.list({ prefix: ["message"] })).at(-1);
  if (newest === undefined) return;
  await database.commit(new Operation().delete(newest.key));
}

/** Each breakage by what it does; a maker, for some of them count. */
export const BREAKAGES: Readonly<Record<string, () => Breakage>> = {
  "drops every 20th message": () =>
    listingEach((one, number) => number % 20 === 0 ? [] : [one]),
  "repeats every 20th message": () =>
    listingEach((one, number) => number % 20 === 0 ? [one, one] : [one]),
  "swaps the first two of three": () =>
    listing((rows) => {
      const [a, b, c, ...rest] = rows;
      return a && b && c ? [b, a, c, ...rest] : rows;
    }),
  "alters a byte of every 20th body": () =>
    listingEach((one, number) => {
      if (number % 20 !== 0 || one.body === null) return [one];
      const body = one.body.slice();
      body[body.length - 1] = ~(body.at(-1) ?? 0);
      return [{ ...one, body }];
    }),
  "ends every 20th hold a second early": () =>
    listingEach((one, number) => [
      number % 20 === 0 ? { ...one, holdUntil: one.holdUntil - 1_000 } : one,
    ]),
  "loses the newest message at a restart": () => async (database, life) => {
    if (life > 1) await deleteNewest(database);
    return database;
  },
  "forgets that devices have acknowledged": () => (database) =>
    around(database, {
      async getMany(keys) {
        const entries = await database.getMany(keys);
        return (entries as EntryMaybe[]).map((entry) =>
          entry.key[0] === "readers" && entry.versionstamp !== null
            ? { ...entry, value: {} }
            : entry
        ) as typeof entries;
      },
    }),
  "keeps every other message that was deleted": () => {
    // Not all of them: acknowledging goes on until nothing is left.
    let deletes = 0;
    return mutating((one) =>
      one.kind === "delete" && one.key[0] === "message" && deletes++ % 2 === 0
        ? null
        : one
    );
  },
  "stores what it has again": () => (database) =>
    around(database, {
      async getMany<T extends readonly unknown[]>(
        keys: readonly [...{ [K in keyof T]: Key<T[K]> }],
      ) {
        const entries = await database.getMany<T>(keys);
        return entries.map((entry) =>
          entry.key[0] === "seen" ? nothingAt(entry.key) : entry
        ) as typeof entries;
      },
      commit: (operation) => database.commit(without(operation, "seen")),
    }),
  "loses the segments of bodies": () =>
    mutating((one) =>
      one.kind === "set" && one.key[0] === "segment" ? null : one
    ),
  "does not hold a commit to the count that it knows": () =>
    committing((operation) => without(operation, "usage")),
  "loses which message of its commit one is": () =>
    mutating((one) =>
      one.kind === "set" && one.key[0] === "message"
        ? { ...one, value: withoutIndex(one.value as Bytes) }
        : one
    ),
  "loses every 5th note of what falls due": () => {
    let notes = 0;
    return mutating((one) =>
      one.kind === "set" && one.key[0] === "due" && ++notes % 5 === 0
        ? null
        : one
    );
  },
  "shortens what is extended": () => {
    const shrunk = (facts: { storedAt: number; holdUntil: number }) => ({
      ...facts,
      holdUntil: facts.storedAt + (facts.holdUntil - facts.storedAt) / 2,
    });
    return mutating((one) => {
      const isMark = one.kind === "set" && one.key[0] === "seen";
      if (!isMark) return one;
      const facts = one.value as StoredFacts;
      // A mark is written again, with its stamp, when it is extended.
      return facts.stamp === undefined ? one : { ...one, value: shrunk(facts) };
    });
  },
};

function withoutIndex(row: Bytes): Bytes {
  return encodeRow(decodeRow(row).map((one) => ({ ...one, index: 0 })));
}
