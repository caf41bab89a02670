/** Asking a store what became of parts whose operation was not committed. */
import type { Part } from "./commit_part.ts";
import { type Database, type EntryMaybe, MOST_KEYS } from "./database.ts";

/** Reads under way at once. */
const AT_ONCE = 8;

/**
 * What each part asks for: up to ten keys of one as they stood together. Some
 * are asked for at once, for the store may be far away.
 */
export async function askFor(
  target: Pick<Database, "getMany">,
  parts: readonly Part<unknown>[],
): Promise<EntryMaybe[][]> {
  const groups = grouped(parts);
  const found: EntryMaybe[][] = [];
  for (let start = 0; start < groups.length; start += AT_ONCE) {
    const now = groups.slice(start, start + AT_ONCE);
    const answers = await Promise.all(
      now.map((group) => askTogether(target, group)),
    );
    found.push(...answers.flat());
  }
  return found;
}

/** Parts that have ten keys together, or are but one. */
function grouped(parts: readonly Part<unknown>[]): Part<unknown>[][] {
  const groups: Part<unknown>[][] = [];
  let room = 0;
  for (const part of parts) {
    if (groups.length === 0 || part.asks.length > room) {
      groups.push([]);
      room = MOST_KEYS;
    }
    groups.at(-1)?.push(part);
    room -= part.asks.length;
  }
  return groups;
}

async function askTogether(
  target: Pick<Database, "getMany">,
  parts: readonly Part<unknown>[],
): Promise<EntryMaybe[][]> {
  const keys = parts.flatMap(({ asks }) => asks);
  const entries: EntryMaybe[] = [];
  for (let start = 0; start < keys.length; start += MOST_KEYS) {
    const few = keys.slice(start, start + MOST_KEYS);
    entries.push(...await target.getMany<unknown[]>(few));
  }
  return parts.map(({ asks }) => entries.splice(0, asks.length));
}
