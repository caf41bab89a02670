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
  await noteReader(store, mailbox, reader, START, now);
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

/** Notes how far a device is, at least; gives all of them. */
async function noteReader(
  store: Store,
  mailbox: MailboxId,
  reader: string,
  place: Place,
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
    const isNews = own === undefined || own.place < place ||
      own.at < now - NOTED_EVERY;
    if (!isNews) return known;
    if (own === undefined && Object.keys(known).length >= MAX_READERS) {
      throw new Problem(
        "malformed",
        `a mailbox has at most ${MAX_READERS} readers`,
      );
    }
    const further = own !== undefined && own.place > place ? own.place : place;
    const after = { ...known, [reader]: { place: further, at: now } };
    const committed = await store.commit((operation) =>
      operation.check(before, owner).set(keys.readers(mailbox), after)
    );
    if (committed !== null) return after;
  }
}

/** The devices that have not been silent for too long. */
function heardOf({ value }: EntryMaybe<Readers>, now: number): Readers {
  const all = Object.entries(value ?? {});
  return Object.fromEntries(
    all.filter(([, { at }]) => at > now - READER_KEPT),
  );
}
