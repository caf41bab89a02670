/**
 * Cursors: where a reader stands in a mailbox's log (DESIGN section 4).
 *
 * A cursor is the store's epoch and the versionstamp of a log entry's commit.
 * Clients keep it and give it back; within an epoch it sorts as text.
 */
import type { Branded } from "./brand.ts";
import { Problem } from "./problem.ts";

/** An opaque position, `<epoch>-<versionstamp>`. */
export type Cursor = Branded<string, "Cursor">;

/** The parts of a cursor. */
export interface Position {
  /** 12 hex digits, drawn when the store was created. */
  readonly epoch: string;
  /** 20 hex digits, given by the store at commit. */
  readonly versionstamp: string;
}

/** Before every entry. */
export const START_VERSIONSTAMP: string = "0".repeat(20);

/** The form of every cursor. */
export const CURSOR_FORM: RegExp = /^([0-9a-f]{12})-([0-9a-f]{20})$/;

/** A position as a client sees it. */
export function cursorOf({ epoch, versionstamp }: Position): Cursor {
  return `${epoch}-${versionstamp}` as Cursor;
}

/** The position in a client's cursor. @throws {Problem} `malformed` */
export function parseCursor(text: string): Position {
  const [, epoch, versionstamp] = CURSOR_FORM.exec(text) ?? [];
  if (epoch === undefined || versionstamp === undefined) {
    throw new Problem("malformed", `"${text.slice(0, 80)}" is not a cursor`);
  }
  return { epoch, versionstamp };
}
