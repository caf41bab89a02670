/** Everything there is to say of a unit, as JSON (the `inspect` command). */
import type { Bytes } from "./bytes.ts";
import { decode, decodeLoosely } from "./minima/codec.ts";
import { maxTxPow, packageHash } from "./minima/maxima.ts";
import {
  decodeMaxTxPow,
  expectAtMost,
  NETWORK_LIMITS,
} from "./minima/maxtxpow.ts";
import { integerOfBytes } from "./minima/minidata.ts";
import {
  type MiniNumber,
  miniNumberText,
  twosComplement,
} from "./minima/mininumber.ts";
import { type TxPow, txPow } from "./minima/txpow.ts";
import {
  blockWeight,
  isBlock,
  isTransaction,
  meets,
  superLevel,
  txPowId,
} from "./minima/txpow_facts.ts";
import { mailboxIdOf } from "./ids.ts";
import { Problem, type ProblemCode } from "./problem.ts";
import { checkTxPow, checkWork, timeOf } from "./work/check.ts";
import { hashesOf } from "./work/target.ts";

/** What a unit is, and what a relay would say of it, whatever the time. */
export interface UnitReport {
  /** What was read. */
  readonly kind: "maxtxpow" | "txpow";
  /** Whether it encodes back to the bytes it was read from. */
  readonly canonical: boolean;
  /** Bytes behind the unit, which a genuine node does not read. */
  readonly trailingBytes: number;
  /** Ids are of the canonical form, as genuine nodes compute them. */
  readonly txpowid: string;
  /** What the work commits to, hex. */
  readonly customHash: string;
  /** Hex; null for a TxPoW by itself. */
  readonly messageId: string | null;
  /** Hex; null for a TxPoW by itself. */
  readonly mailbox: string | null;
  /** By the difficulty in its own header. */
  readonly isBlock: boolean;
  /** -1 where it is no block. */
  readonly superLevel: number;
  /** Seven digits; 0 where it is no block, or its difficulty absurdly wide. */
  readonly blockWeight: string;
  /** Whether it carries a transaction. */
  readonly isTransaction: boolean;
  /** A decimal number. */
  readonly nonce: string;
  /** Unix milliseconds. */
  readonly time: number;
  /** The target that the body commits to. */
  readonly work: {
    readonly target: string | null;
    readonly hashes: number;
    readonly met: boolean;
  };
  /** What a relay would answer. */
  readonly verdict: ProblemCode | "ok";
  /** Why the verdict is not `ok`. */
  readonly detail: string | null;
  /** The fields, in wire order; numbers as text, bytes as hex. */
  readonly fields: unknown;
}

/** Bytes that are no unit. */
export interface MalformedReport {
  /** What a relay would answer. */
  readonly verdict: "malformed";
  /** What is wrong, and where. */
  readonly detail: string;
}

/** Bytes of the largest input that is looked at. */
const MAX_INSPECTED_BYTES = 67_108_864;

/** Reads a unit as a genuine node does, and judges it as a relay does. */
export function inspectUnit(bytes: Bytes): UnitReport | MalformedReport {
  // Units end at 328 KB, and BigInt at 128 MiB.
  if (bytes.length > MAX_INSPECTED_BYTES) {
    const detail = `${bytes.length} bytes, the limit is ${MAX_INSPECTED_BYTES}`;
    return { verdict: "malformed", detail };
  }
  try {
    // A nonce has at least one byte, so a TxPoW does not start with 00 00, and
    // the length of an envelope's version does.
    const isEnvelope = bytes[0] === 0 && bytes[1] === 0;
    return isEnvelope ? inspectMaxTxPow(bytes) : inspectTxPow(bytes);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { verdict: "malformed", detail: error.message };
  }
}

function inspectMaxTxPow(bytes: Bytes): UnitReport {
  const { value, canonical, bytesRead } = decodeLoosely(maxTxPow, bytes);
  const trailingBytes = bytes.length - bytesRead;
  return {
    kind: "maxtxpow",
    canonical,
    trailingBytes,
    ...factsOf(value.txPow, {
      messageId: packageHash(value.package).toHex(),
      mailbox: mailboxIdOf(value.package.to),
    }),
    ...judge(() => checkWork(decodeMaxTxPow(bytes))),
    fields: inJson(value),
  };
}

function inspectTxPow(bytes: Bytes): UnitReport {
  const { value, canonical, bytesRead } = decodeLoosely(txPow, bytes);
  const trailingBytes = bytes.length - bytesRead;
  return {
    kind: "txpow",
    canonical,
    trailingBytes,
    ...factsOf(value, { messageId: null, mailbox: null }),
    ...judge(() => {
      expectAtMost(NETWORK_LIMITS.txPowBytes, bytes.length, "TxPoW");
      checkTxPow(decode(txPow, bytes));
    }),
    fields: inJson(value),
  };
}

function factsOf(
  unit: TxPow,
  names: { messageId: string | null; mailbox: string | null },
) {
  const { header, body } = unit;
  const id = txPowId(header);
  const target = body === null ? null : integerOfBytes(body.txnDifficulty);
  return {
    txpowid: id.toHex(),
    customHash: header.customHash.toHex(),
    ...names,
    isBlock: isBlock(header, id),
    superLevel: superLevel(header, id),
    blockWeight: blockWeight(header, id),
    isTransaction: isTransaction(unit),
    nonce: miniNumberText(header.nonce),
    time: timeOf(header),
    work: {
      target: body?.txnDifficulty.toHex() ?? null,
      hashes: target === null || target === 0n ? 0 : hashesOf(target),
      met: body !== null && meets(id, body.txnDifficulty),
    },
  };
}

function judge(
  check: () => void,
): { verdict: ProblemCode | "ok"; detail: string | null } {
  try {
    check();
    return { verdict: "ok", detail: null };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { verdict: error.code, detail: error.message };
  }
}

/** Bytes become hex, numbers their text, everything else stays as it is. */
function inJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.toHex();
  if (Array.isArray(value)) return value.map(inJson);
  if (typeof value !== "object" || value === null) return value;
  if (isMiniNumber(value)) return numberInJson(value);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, inJson(member)]),
  );
}

function isMiniNumber(value: object): value is MiniNumber {
  return "unscaled" in value && "scale" in value;
}

/** Bounds within which a number is written out in plain notation. */
const MAX_PLAIN_SCALE = 256;
const MAX_PLAIN = 2n ** 256n;

/** An MMR entry number can have any scale and size: then both are told. */
function numberInJson(number: MiniNumber): unknown {
  const { scale, unscaled } = number;
  const isPlain = Math.abs(scale) <= MAX_PLAIN_SCALE && unscaled < MAX_PLAIN &&
    unscaled > -MAX_PLAIN;
  return isPlain
    ? miniNumberText(number)
    : { scale, unscaled: twosComplement(unscaled).toHex() };
}
