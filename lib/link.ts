/**
 * Delivery by the reader's link: how much of a message is sent before it is
 * asked for (spec/nexus.md 7, and 20.2 N3 and N4).
 */
import type { Bytes } from "./bytes.ts";
import { type ObjectHash, parseObjectHash } from "./ids.ts";
import { PRIORITIES, type Priority } from "./object.ts";
import { Problem } from "./problem.ts";

/**
 * `push`: messages with their bodies. `digest`: 50 bytes a message, in batches.
 * `hint`: the 32 bytes of its hash, and only in answer to a poll.
 */
export type DeliveryMode = "push" | "digest" | "hint";

/** Bits a second above which a link is pushed to. */
export const PUSH_ABOVE = 1_000_000;
/** Bits a second above which a link gets digests; others get hints. */
export const DIGEST_ABOVE = 10_000;
/** Bytes of the largest body that is pushed. */
export const PUSH_BYTES = 4_096;
/** Milliseconds between two digests of a stream. */
export const DIGEST_ROUND = 60_000;
/** Bytes of an item of a digest. */
export const DIGEST_ITEM_BYTES = 50;
/** Bytes of a hint. */
export const HINT_BYTES = 32;

/** The mode of a link of so many bits a second. */
export function deliveryMode(bandwidth: number): DeliveryMode {
  if (bandwidth > PUSH_ABOVE) return "push";
  return bandwidth > DIGEST_ABOVE ? "digest" : "hint";
}

/** What a digest says of a message. */
export interface DigestItem {
  /** Name of the stored bytes. */
  readonly object: ObjectHash;
  /** Bytes. */
  readonly size: number;
  /** Bits a second; the sender asks that no slower link carries the body. */
  readonly minBandwidth: number;
  /** End of the hold, in Unix milliseconds. */
  readonly expires: number;
  /** By the sender's word. */
  readonly priority: Priority;
}

/** The wire code of the type Immutable, which every message has. */
const IMMUTABLE = 0;

/**
 * Items of 50 bytes: `hash 32 || size u32 || min_bandwidth u32 || expires u64 ||
 * type u8 || priority u8`, little-endian.
 */
export function encodeDigest(items: readonly DigestItem[]): Bytes {
  const bytes = new Uint8Array(DIGEST_ITEM_BYTES * items.length);
  const view = new DataView(bytes.buffer);
  for (const [i, item] of items.entries()) {
    const start = DIGEST_ITEM_BYTES * i;
    bytes.set(Uint8Array.fromHex(item.object), start);
    view.setUint32(start + 32, item.size, true);
    view.setUint32(start + 36, item.minBandwidth, true);
    view.setBigUint64(start + 40, BigInt(item.expires), true);
    view.setUint8(start + 48, IMMUTABLE);
    view.setUint8(start + 49, PRIORITIES.indexOf(item.priority));
  }
  return bytes;
}

/**
 * The items of a digest.
 *
 * @throws {Problem} `malformed` if it is none
 */
export function decodeDigest(bytes: Bytes): DigestItem[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return starts(bytes, DIGEST_ITEM_BYTES).map((start) => {
    const priority = PRIORITIES[view.getUint8(start + 49)];
    if (priority === undefined || view.getUint8(start + 48) !== IMMUTABLE) {
      throw new Problem("malformed", "a digest of types or priorities unknown");
    }
    const expires = Number(view.getBigUint64(start + 40, true));
    if (!Number.isSafeInteger(expires)) {
      throw new Problem("malformed", "a digest of a time beyond all times");
    }
    return {
      object: hashAt(bytes, start),
      size: view.getUint32(start + 32, true),
      minBandwidth: view.getUint32(start + 36, true),
      expires,
      priority,
    };
  });
}

/** Hashes of 32 bytes, one after another. */
export function encodeHints(objects: readonly ObjectHash[]): Bytes {
  return Uint8Array.fromHex(objects.join(""));
}

/**
 * The hashes of hints.
 *
 * @throws {Problem} `malformed` if they are none
 */
export function decodeHints(bytes: Bytes): ObjectHash[] {
  return starts(bytes, HINT_BYTES).map((start) => hashAt(bytes, start));
}

/** Where the items begin. */
function starts({ length }: Bytes, itemBytes: number): number[] {
  if (length % itemBytes === 0) {
    return Array.from({ length: length / itemBytes }, (_, i) => itemBytes * i);
  }
  throw new Problem(
    "malformed",
    `${length} bytes are no items of ${itemBytes}`,
  );
}

function hashAt(bytes: Bytes, start: number): ObjectHash {
  return parseObjectHash(bytes.subarray(start, start + HINT_BYTES).toHex());
}
