/** The devices of a mailbox: what each has acknowledged, and what all have. */
import {
  type Place,
  placeOf,
  type Position,
  START_VERSIONSTAMP,
} from "../../lib/cursor.ts";
import type { MailboxId } from "../../lib/ids.ts";
import { Problem } from "../../lib/problem.ts";
import { keys } from "../kinds.ts";
import type { EntryMaybe } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { deleteThrough } from "./delete.ts";
import { isKnown } from "./read.ts";

/** A device. */
export interface Reader {
  /** It has everything up to and with this place. */
  readonly place: Place;
  /** When it was last heard of: Unix milliseconds. */
  readonly at: number;
  /** It reads, and has never acknowledged anything. */
  readonly isSilent?: true;
}

/** The devices of a mailbox, by their names: one row, so that none is raced in. */
export type Readers = Readonly<Record<string, Reader>>;

/** Milliseconds after which a device that says nothing more is forgotten. */
export const READER_KEPT = 60 * 86_400_000;
/** Milliseconds of silence after which it is worth noting that it spoke. */
const NOTED_EVERY = 86_400_000;

/** Most devices of a mailbox that acknowledge for themselves. */
export const MAX_READERS = 64;

const START = placeOf({ versionstamp: START_VERSIONSTAMP });

/**
 * Notes that a device reads a mailbox: what it has not acknowledged is kept for
 * it from now on, whatever others acknowledge.
 *
 * @throws {Problem} `malformed` for a device over the limit
 */
export async function registerReader(
  store: Store,
  mailbox: MailboxId,
  reader: string,
  now: number,
): Promise<void> {
  await noteReader(store, mailbox, reader, null, now);
}

/**
 * Notes that a device has everything up to a position, and deletes what every
 * known device has. Gives how many messages were deleted. Going back to an
 * earlier position changes nothing.
 *
 * @throws {Problem} `malformed` if this store never gave out the position, or
 * for a device over the limit
 */
export async function acknowledge(
  store: Store,
  mailbox: MailboxId,
  reader: string,
  position: Position,
  now: number,
): Promise<number> {
  if (!await isKnown(store, mailbox, position)) {
    throw new Problem(
      "malformed",
      "the cursor is not of this store; read again from it",
    );
  }
  const place = placeOf(position);
  const readers = await noteReader(store, mailbox, reader, place, now);
  const places = Object.values(readers).map(({ place }) => place);
  const least = places.reduce((a, b) => a < b ? a : b, place);
  return await deleteThrough(store, mailbox, least, now);
}

/** Notes how far a device is, at least, or that it reads; gives all of them. */
async function noteReader(
  store: Store,
  mailbox: MailboxId,
  reader: string,
  place: Place | null,
  now: number,
): Promise<Readers> {
  for (;;) {
    const [before, owner] = await store.getMany([
      keys.readers(mailbox),
      keys.mailbox(mailbox),
    ]);
    const known = heardOf(before, now);
    // A token outlives its mailbox: nothing is kept for one that was closed.
    if (owner.value === null) return known;
    const own = Object.hasOwn(known, reader) ? known[reader] : undefined;
    const isNews = own === undefined || own.at < now - NOTED_EVERY ||
      place !== null && (own.isSilent || own.place < place);
    if (!isNews) return known;
    const others = own === undefined ? withRoom(known) : known;
    const after = { ...others, [reader]: heard(own, place, now) };
    const committed = await store.commit((operation) =>
      operation.check(before, owner).set(keys.readers(mailbox), after)
    );
    if (committed !== null) return after;
  }
}

/** A device once more is heard of it: never further back than it was. */
function heard(
  own: Reader | undefined,
  place: Place | null,
  at: number,
): Reader {
  if (place === null) return { ...own ?? { place: START, isSilent: true }, at };
  return {
    place: own !== undefined && own.place > place ? own.place : place,
    at,
  };
}

/**
 * The devices with room for one more: of those that never acknowledged anything
 * the one heard of longest ago gives way, or whoever may only read could keep
 * new devices out.
 */
function withRoom(known: Readers): Readers {
  const all = Object.entries(known);
  if (all.length < MAX_READERS) return known;
  const [oldest] = all.filter(([, { isSilent }]) => isSilent)
    .toSorted(([, a], [, b]) => a.at - b.at);
  if (oldest === undefined) {
    throw new Problem(
      "malformed",
      `a mailbox has at most ${MAX_READERS} readers`,
    );
  }
  return Object.fromEntries(all.filter((one) => one !== oldest));
}

/** The devices that have not been silent for too long. */
function heardOf({ value }: EntryMaybe<Readers>, now: number): Readers {
  const all = Object.entries(value ?? {});
  return Object.fromEntries(
    all.filter(([, { at }]) => at > now - READER_KEPT),
  );
}
