/** Units and envelopes as the parts they are made of. */
import type { Bytes } from "../../../lib/bytes.ts";
import { type Codec, decode, encode } from "../../../lib/minima/codec.ts";
import {
  maximaPackage,
  type MaxTxPow,
  maxTxPow,
  packageHash,
} from "../../../lib/minima/maxima.ts";
import { decodeMaxTxPow } from "../../../lib/minima/maxtxpow.ts";
import { miniString } from "../../../lib/minima/minidata.ts";
import { txHeader } from "../../../lib/minima/txheader.ts";
import { txBody, type TxPow, txPow } from "../../../lib/minima/txpow.ts";
import { bodyHash, txPowId } from "../../../lib/minima/txpow_facts.ts";

/** A stretch of bytes, and what anybody can see of a value read from it. */
export interface Part<T> {
  readonly name: string;
  readonly length: number;
  /** Differs between values that differ in this part. */
  readonly sight: (value: T) => string;
}

function partsOfUnit({ header, body }: TxPow): readonly Part<TxPow>[] {
  return [
    {
      name: "header",
      length: encode(txHeader, header).length,
      sight: (value) => txPowId(value.header).toHex(),
    },
    { name: "flag", length: 1, sight: (value) => String(value.body !== null) },
    {
      name: "body",
      length: body === null ? 0 : encode(txBody, body).length,
      sight: (value) => value.body ? bodyHash(value.body).toHex() : "none",
    },
  ];
}

function partsOfEnvelope(value: MaxTxPow): readonly Part<MaxTxPow>[] {
  return [
    {
      name: "version",
      length: encode(miniString, value.version).length,
      sight: ({ version }) => version,
    },
    {
      name: "package",
      length: encode(maximaPackage, value.package).length,
      sight: (read) => packageHash(read.package).toHex(),
    },
    ...partsOfUnit(value.txPow).map(({ sight, ...part }) => ({
      ...part,
      sight: (read: MaxTxPow) => sight(read.txPow),
    })),
  ];
}

/** A format under test: how it is read, and what its parts are. */
export interface Format<T> {
  readonly codec: Codec<T>;
  readonly read: (bytes: Bytes) => T;
  readonly parts: (value: T) => readonly Part<T>[];
}

/** A unit of work. */
export const UNIT_FORMAT: Format<TxPow> = {
  codec: txPow,
  read: (bytes) => decode(txPow, bytes),
  parts: partsOfUnit,
};

/** An envelope, read as a relay reads it. */
export const ENVELOPE_FORMAT: Format<MaxTxPow> = {
  codec: maxTxPow,
  read: (bytes) => decodeMaxTxPow(bytes),
  parts: partsOfEnvelope,
};

/** The part that an offset lies in. */
export function partAt<T>(parts: readonly Part<T>[], offset: number): Part<T> {
  let end = 0;
  for (const part of parts) {
    end += part.length;
    if (offset < end) return part;
  }
  throw new RangeError(`no part at ${offset}`);
}
