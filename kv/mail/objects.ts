/** Stored envelopes by their hash, whole or in part (DESIGN section 4). */
import type { Bytes } from "../../lib/bytes.ts";
import type { MailboxId, ObjectHash } from "../../lib/ids.ts";
import { CHUNK_BYTES, chunkHashes, merkleRoot } from "../../lib/object.ts";
import { keys } from "../kinds.ts";
import { MOST_KEYS, type Operation } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import type { BodyPlace } from "./entry.ts";
import { decodeRow } from "./row.ts";

/** Bodies up to this size stand in their log entry, where there is room. */
export const INLINE_BYTES: number = CHUNK_BYTES;
/** Bytes of a segment: fifteen chunks of 4 KiB, within a KV value. */
export const SEGMENT_BYTES: number = 15 * CHUNK_BYTES;

/** What is known of an object besides its bytes. */
export interface ObjectHeader {
  /** The mailbox that may read it. */
  readonly mailbox: MailboxId;
  /** Bytes. */
  readonly size: number;
  /** Unix milliseconds. */
  readonly holdUntil: number;
}

/** A header as it is kept. */
export interface StoredHeader extends ObjectHeader {
  /** Where the body is. */
  readonly place: Exclude<BodyPlace, "none">;
  /** Which message of its commit it belongs to. */
  readonly index: number;
  /** Versionstamp of that commit, if the header was written anew since. */
  readonly stamp?: string;
  /** The Merkle root over the chunks of an object that has several, 32 bytes. */
  readonly root?: Bytes;
  /** Their hashes one after another, 32 bytes each. */
  readonly chunks?: Bytes;
}

/** An object that is held. */
export interface HeldObject extends StoredHeader {
  /** Its name. */
  readonly hash: ObjectHash;
  /** Versionstamp of the commit that stored it, and so of its log entry. */
  readonly stamp: string;
}

/** How many segments a body of that size has, if it stands in segments. */
export function segmentCount(size: number): number {
  return Math.ceil(size / SEGMENT_BYTES);
}

/** Adds an object to a commit, all but a body that stands in the log. */
export function setObject(
  operation: Operation,
  hash: ObjectHash,
  body: Bytes,
  header: StoredHeader,
): void {
  operation.set(keys.object(hash), { ...header, ...chunksOf(body) });
  if (header.place === "entry") return;
  for (let n = 0; n < segmentCount(body.length); n++) {
    const segment = body.slice(n * SEGMENT_BYTES, (n + 1) * SEGMENT_BYTES);
    operation.set(keys.segment(hash, n), segment);
  }
}

/** Of one chunk the root is the object's own hash, which is its name. */
function chunksOf(body: Bytes): Pick<StoredHeader, "root" | "chunks"> {
  if (body.length <= CHUNK_BYTES) return {};
  const hashes = chunkHashes(body);
  const chunks = new Uint8Array(hashes.length * 32);
  for (const [i, hash] of hashes.entries()) chunks.set(hash, 32 * i);
  return { root: merkleRoot(hashes), chunks };
}

/** Bytes that the hashes of a body's chunks take in its header. */
export function chunksBytes(size: number): number {
  return size <= CHUNK_BYTES ? 0 : 32 * Math.ceil(size / CHUNK_BYTES) + 32;
}

/** Adds the removal of an object to a commit. */
export function deleteObject(
  operation: Operation,
  hash: ObjectHash,
  size: number,
  place: BodyPlace,
): void {
  operation.delete(keys.object(hash));
  if (place !== "segments") return;
  for (let n = 0; n < segmentCount(size); n++) {
    operation.delete(keys.segment(hash, n));
  }
}

/** The object, if it is held at `now` and lies in the mailbox. */
export async function findObject(
  store: Store,
  hash: ObjectHash,
  mailbox: MailboxId,
  now: number,
): Promise<HeldObject | null> {
  const { value, versionstamp } = await store.get(keys.object(hash));
  if (value === null || value.mailbox !== mailbox || value.holdUntil <= now) {
    return null;
  }
  return { ...value, hash, stamp: value.stamp ?? versionstamp };
}

/** The bytes from `start` up to `end`; null if they were deleted meanwhile. */
export async function readObject(
  store: Store,
  object: HeldObject,
  start = 0,
  end = object.size,
): Promise<Bytes | null> {
  if (object.place === "segments") {
    return await readSegments(store, object.hash, start, end);
  }
  const key = keys.message(object.mailbox, object.stamp);
  const { value } = await store.get(key);
  const entry = value === null
    ? undefined
    : decodeRow(value).find(({ index }) => index === object.index);
  return entry?.body?.slice(start, end) ?? null;
}

/** Reads under way at once for the bodies of one page. */
const READS_AT_ONCE = 8;

/**
 * Bodies that are kept in segments, by their names; those of which any is gone
 * are not among them.
 */
export async function readBodies(
  store: Store,
  objects: readonly { readonly object: ObjectHash; readonly size: number }[],
): Promise<Map<ObjectHash, Bytes>> {
  const bodies = new Map<ObjectHash, Bytes>();
  const long = objects.filter(({ size }) => size > SEGMENT_BYTES);
  const short = objects.filter(({ size }) => size <= SEGMENT_BYTES);
  const reads = long.map(({ object, size }) => async () => {
    const body = await readSegments(store, object, 0, size);
    if (body !== null) bodies.set(object, body);
  });
  for (let start = 0; start < short.length; start += MOST_KEYS) {
    const some = short.slice(start, start + MOST_KEYS);
    reads.push(async () => {
      const found = await store.getMany<Bytes[]>(
        some.map(({ object }) => keys.segment(object, 0)),
      );
      for (const [i, { object }] of some.entries()) {
        const body = found[i]?.value;
        if (body) bodies.set(object, body);
      }
    });
  }
  const readers = Array.from({ length: READS_AT_ONCE }, async () => {
    for (let read = reads.shift(); read; read = reads.shift()) await read();
  });
  await Promise.all(readers);
  return bodies;
}

/** Part of a body that is kept in segments; null if any of it is gone. */
export async function readSegments(
  store: Store,
  hash: ObjectHash,
  start: number,
  end: number,
): Promise<Bytes | null> {
  const first = Math.floor(start / SEGMENT_BYTES);
  const last = Math.floor((end - 1) / SEGMENT_BYTES);
  const segments = await store.list<Bytes>({
    start: keys.segment(hash, first),
    end: keys.segment(hash, last + 1),
  });
  if (segments.length !== last - first + 1) return null;
  const bytes = new Uint8Array(end - start);
  for (const [i, { value }] of segments.entries()) {
    const offset = (first + i) * SEGMENT_BYTES;
    const from = Math.max(start - offset, 0);
    bytes.set(value.subarray(from, end - offset), offset + from - start);
  }
  return bytes;
}
