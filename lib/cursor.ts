/**
 * Cursors: where a reader stands in a mailbox's log (DESIGN section 4).
 *
 * A cursor is the store's epoch, the versionstamp of the commit that stored a
 * message, and which of that commit's messages for the mailbox it was. Clients
 * keep it and give it back; within an epoch it sorts as text.
 */
import type { Branded } from "./brand.ts";
import { Problem } from "./problem.ts";

/** An opaque position: `<epoch>-<versionstamp>`, and `-<index>` if it is not 0. */
export type Cursor = Branded<string, "Cursor">;

/** A position within an epoch: a cursor without its epoch. Sorts as text. */
export type Place = Branded<string, "Place">;

/** The parts of a cursor. */
export interface Position {
  /** 12 hex digits, drawn when the store was created. */
  readonly epoch: string;
  /** 20 hex digits, given by the store at commit. */
  readonly versionstamp: string;
  /** Which message of the commit: 0 if not said, at most {@link MAX_INDEX}. */
  readonly index?: number;
}

/** Before every entry. */
export const START_VERSIONSTAMP: string = "0".repeat(20);

/** The greatest index: as many messages a mailbox may get from one commit. */
export const MAX_INDEX = 0xffff;

/** The form of every cursor; an index of 0 is not written. */
export const CURSOR_FORM: RegExp =
  /^([0-9a-f]{12})-([0-9a-f]{20})(?:-((?!0000)[0-9a-f]{4}))?$/;

/** The form of every place. */
export const PLACE_FORM: RegExp = /^([0-9a-f]{20})(?:-((?!0000)[0-9a-f]{4}))?$/;

/** A position as a client sees it. */
export function cursorOf({ epoch, ...within }: Position): Cursor {
  return cursorAt(epoch, placeOf(within));
}

/** A position within its epoch. */
export function placeOf(
  { versionstamp, index = 0 }: Omit<Position, "epoch">,
): Place {
  const suffix = index === 0 ? "" : `-${index.toString(16).padStart(4, "0")}`;
  return `${versionstamp}${suffix}` as Place;
}

/** A place of an epoch as a client sees it. */
export function cursorAt(epoch: string, place: Place): Cursor {
  // Joined, it is one flat text; of pieces V8 makes JSON three times as slowly.
  return [epoch, place].join("-") as Cursor;
}

/** The position in a client's cursor. @throws {Problem} `malformed` */
export function parseCursor(text: string): Required<Position> {
  const [, epoch, versionstamp, index = "0"] = CURSOR_FORM.exec(text) ?? [];
  if (epoch === undefined || versionstamp === undefined) {
    throw new Problem("malformed", `"${text.slice(0, 80)}" is not a cursor`);
  }
  return { epoch, versionstamp, index: parseInt(index, 16) };
}

/** The position that a place of an epoch stands for. */
export function positionAt(epoch: string, place: Place): Required<Position> {
  return parseCursor(`${epoch}-${place}`);
}
