/**
 * Rows of the log: what one commit stored for a mailbox. A row is bytes, for a
 * KV value holds 64 KiB and a hundred messages may come together:
 *
 * version u8 = 1, then for each message
 * `index u16 | id 32 | object 32 | size u32 | minBandwidth u32 | priority u8 |
 * storedAt u48 | holdUntil u48 | workUntil u48 | place u8 | body`,
 * big-endian; the body only where its place is the entry.
 */
import type { Bytes } from "../../lib/bytes.ts";
import { messageIdOf, objectHashOf } from "../../lib/ids.ts";
import { PRIORITIES } from "../../lib/object.ts";
import type { BodyPlace, MessageEntry } from "./entry.ts";

const VERSION = 1;
/** Bytes of a message without its body. */
export const ENTRY_BYTES = 94;
/** Bytes that a row may have: less than a KV value, which adds a few. */
export const ROW_BYTES = 65_000;

const PLACES: readonly BodyPlace[] = ["none", "entry", "segments"];

/** The bytes of a row. */
export function encodeRow(entries: readonly MessageEntry[]): Bytes {
  const bodies = entries.reduce(
    (sum, { body }) => sum + (body?.length ?? 0),
    0,
  );
  const row = new Uint8Array(1 + ENTRY_BYTES * entries.length + bodies);
  const view = new DataView(row.buffer);
  row[0] = VERSION;
  let at = 1;
  for (const entry of entries) {
    view.setUint16(at, entry.index);
    row.set(Uint8Array.fromHex(entry.id), at + 2);
    row.set(Uint8Array.fromHex(entry.object), at + 34);
    view.setUint32(at + 66, entry.size);
    view.setUint32(at + 70, entry.minBandwidth);
    view.setUint8(at + 74, PRIORITIES.indexOf(entry.priority));
    setUint48(view, at + 75, entry.storedAt);
    setUint48(view, at + 81, entry.holdUntil);
    setUint48(view, at + 87, entry.workUntil);
    view.setUint8(at + 93, PLACES.indexOf(entry.place));
    at += ENTRY_BYTES;
    if (entry.body !== null) {
      row.set(entry.body, at);
      at += entry.body.length;
    }
  }
  return row;
}

/**
 * The messages of a row; their bodies are views of it.
 *
 * @throws {RangeError} for bytes that are none
 */
export function decodeRow(row: Bytes): MessageEntry[] {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  if (row[0] !== VERSION) throw new RangeError("a row of another version");
  const entries: MessageEntry[] = [];
  for (let at = 1; at < row.length;) {
    const size = view.getUint32(at + 66);
    const place = PLACES[view.getUint8(at + 93)];
    const priority = PRIORITIES[view.getUint8(at + 74)];
    if (place === undefined || priority === undefined) {
      throw new RangeError("a row of places or priorities unknown");
    }
    const start = at + ENTRY_BYTES;
    const end = place === "entry" ? start + size : start;
    if (end > row.length) throw new RangeError("a row that is cut short");
    entries.push({
      index: view.getUint16(at),
      id: messageIdOf(row.subarray(at + 2, at + 34)),
      object: objectHashOf(row.subarray(at + 34, at + 66)),
      size,
      minBandwidth: view.getUint32(at + 70),
      priority,
      storedAt: getUint48(view, at + 75),
      holdUntil: getUint48(view, at + 81),
      workUntil: getUint48(view, at + 87),
      place,
      body: place === "entry" ? row.subarray(start, end) : null,
    });
    at = end;
  }
  return entries;
}

function setUint48(view: DataView, at: number, value: number): void {
  view.setUint16(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 2, value % 2 ** 32);
}

function getUint48(view: DataView, at: number): number {
  return view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2);
}
