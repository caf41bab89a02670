/** Units of the vectors, as the facts that a verdict follows from. */
import type { Vector } from "../../vectors/mod.ts";
import type { UnitFacts } from "./verdict_rules.ts";

/** A reply of the genuine node to a MaxTxPoW, by its name. */
export type GenuineVerdict =
  | "OK"
  | "FAIL"
  | "UNKNOWN"
  | "TOOBIG"
  | "WRONGHASH"
  | "NOREPLY"
  | "MLSRESP";

/** What the genuine classes find in a sealed message, once decrypted. */
export interface DecryptedRecord {
  readonly ok: boolean;
  readonly plaintext?: string;
  readonly internal?: Readonly<Record<"from" | "data" | "signature", string>>;
  readonly signatureValid?: boolean;
  /** Missing, with an error, where the message does not decode. */
  readonly message?: Readonly<
    Record<
      "random" | "from" | "to" | "timeMilli" | "application" | "data",
      string
    >
  >;
  readonly fromMatches?: boolean;
  readonly toMatchesPackage?: boolean;
  readonly msgid?: string;
  readonly error?: string;
}

/** A `maxtxpow` case of maxima.json that decodes. */
export interface ParsedEnvelope extends Vector {
  readonly parsed: true;
  readonly raw: string;
  readonly bytesRead: number;
  readonly version: string;
  readonly package: {
    readonly version: string;
    readonly to: string;
    readonly packageLength: number;
    readonly packageHash: string;
  };
  readonly txpow: {
    readonly txpowid: string;
    readonly customHash: string;
    readonly chainId: string;
    readonly nonce: string;
    readonly timeMilli: string;
    readonly hasBody: boolean;
    readonly isBlock: boolean;
    readonly isTransaction: boolean;
    readonly txnDifficulty: string | null;
    readonly blockDifficulty: string;
  };
  readonly checks: {
    readonly customHashMatches: boolean;
    readonly idBelowMinimumWork: boolean;
    readonly bodyHashMatchesHeader: boolean | null;
  };
  readonly recipientKey?: string;
  readonly decrypted?: DecryptedRecord;
  readonly reply: string;
  readonly verdict: GenuineVerdict;
}

/** One that does not decode. */
export interface UnparsedEnvelope extends Vector {
  readonly parsed: false;
  readonly raw: string;
  readonly reply: string;
  readonly verdict: GenuineVerdict;
}

/** A `maxtxpow` case of maxima.json. */
export type EnvelopeVector = ParsedEnvelope | UnparsedEnvelope;

/** A `parse` case of txpow.json. */
export interface UnitVector extends Vector {
  readonly raw: string;
  readonly bytesRead: number;
  readonly trailingBytes: number;
  readonly canonical: boolean;
  readonly txpowid: string;
  readonly isBlock: boolean;
  readonly isTransaction: boolean;
  readonly superLevel: number;
  readonly blockWeight: string;
  readonly header: {
    readonly nonce: string;
    readonly chainId: string;
    readonly timeMilli: string;
    readonly customHash: string;
  };
  readonly hasBody: boolean;
  readonly body?: { readonly txnDifficulty: string } | null;
  readonly checks: {
    readonly bodyHashMatchesHeader?: boolean | null;
    readonly idBelowMinimumWork: boolean;
    readonly idBelowTxnDifficulty?: boolean | null;
  };
}

/** Genuine hex text in lower case and without its 0x. */
export function hexOf(text: string): string {
  return text.replace(/^0x/, "").toLowerCase();
}

const UNDECODED: UnitFacts = {
  decodes: false,
  canonical: false,
  trailingBytes: 0,
  packageBytes: null,
  txPowBytes: 0,
  versions: [],
  to: null,
  chainId: "0x00",
  customHashMatches: null,
  idBelowMinimumWork: true,
  hasBody: false,
  bodyHashMatches: null,
  txnDifficulty: null,
  id: 0n,
};

/** The facts of an envelope. */
export function factsOfEnvelope(vector: EnvelopeVector): UnitFacts {
  if (!vector.parsed) return UNDECODED;
  const { raw, bytesRead, version, txpow, checks } = vector;
  const versionBytes = 4 + new TextEncoder().encode(version).length;
  return {
    decodes: true,
    canonical: true, // the vectors of envelopes hold no other form
    trailingBytes: raw.length / 2 - bytesRead,
    packageBytes: vector.package.packageLength,
    txPowBytes: bytesRead - versionBytes - vector.package.packageLength,
    versions: [version, vector.package.version],
    to: hexOf(vector.package.to),
    chainId: txpow.chainId,
    customHashMatches: checks.customHashMatches,
    idBelowMinimumWork: checks.idBelowMinimumWork,
    hasBody: txpow.hasBody,
    bodyHashMatches: checks.bodyHashMatchesHeader,
    txnDifficulty: txpow.txnDifficulty === null
      ? null
      : BigInt(txpow.txnDifficulty),
    id: BigInt(txpow.txpowid),
  };
}

/** The facts of a TxPoW by itself. */
export function factsOfUnit(vector: UnitVector): UnitFacts {
  const { header, body, checks } = vector;
  return {
    decodes: true,
    canonical: vector.canonical,
    trailingBytes: vector.trailingBytes,
    packageBytes: null,
    txPowBytes: vector.bytesRead,
    versions: [],
    to: null,
    chainId: header.chainId,
    customHashMatches: null,
    idBelowMinimumWork: checks.idBelowMinimumWork,
    hasBody: vector.hasBody,
    bodyHashMatches: checks.bodyHashMatchesHeader ?? null,
    txnDifficulty: body ? BigInt(body.txnDifficulty) : null,
    id: BigInt(vector.txpowid),
  };
}
