/**
 * Where a relay's word on an envelope is another than the genuine node's, and
 * why it should be (spec/maxima.md 8, 13).
 */
import assert from "node:assert/strict";
import type {
  EnvelopeVector,
  GenuineVerdict,
  ParsedEnvelope,
} from "./vector_facts.ts";
import type { Verdict } from "./verdict_rules.ts";

/** A relay's word on an envelope, given what it took before. */
export type Outcome = Verdict["code"] | "same receipt";

/** The words that mean the same. */
const SAME: Readonly<Record<GenuineVerdict, readonly Outcome[]>> = {
  OK: ["ok"],
  TOOBIG: ["too-large"],
  WRONGHASH: ["wrong-hash"],
  NOREPLY: ["malformed"],
  FAIL: [],
  UNKNOWN: [],
  MLSRESP: [],
};

/** Why a relay takes what the genuine node does not, and what shows that. */
interface Reason {
  readonly why: string;
  readonly shown: (vector: ParsedEnvelope) => boolean;
}

const TAKEN: Readonly<Partial<Record<GenuineVerdict, Reason>>> = {
  FAIL: {
    why: "the signature and the sender are inside the seal, for the recipient",
    shown: ({ decrypted }) =>
      decrypted?.signatureValid === false || decrypted?.fromMatches === false,
  },
  NOREPLY: {
    why: "whether the sealed bytes open to a message only the recipient sees",
    shown: ({ decrypted }) =>
      decrypted === undefined || decrypted.ok === false ||
      decrypted.error !== undefined || "signatureError" in decrypted,
  },
  UNKNOWN: {
    why: "which mailboxes are here the store says, and location services are " +
      "ordinary recipients",
    shown: ({ recipientKey = "", decrypted }) =>
      !recipientKey.startsWith("node-") || isLocationService(decrypted),
  },
  MLSRESP: {
    why: "an answer of the location service comes from the service, by mail",
    shown: ({ decrypted }) => isLocationService(decrypted),
  },
};

function isLocationService(decrypted: ParsedEnvelope["decrypted"]): boolean {
  return decrypted?.message?.application.startsWith("**maxima_mls_") === true;
}

/** Null where both say the same, else why a relay says something else. */
export function reasonToDiffer(
  vector: EnvelopeVector,
  ours: Outcome,
  { code, why }: Verdict,
): string | null {
  if (SAME[vector.verdict].includes(ours)) return null;
  if (ours === "same receipt") {
    return "genuine nodes deliver a replay again (13.3), a relay has it already";
  }
  if (code !== "ok") return why;
  const reason = TAKEN[vector.verdict];
  assert.ok(
    reason !== undefined,
    `no reason to take what a genuine node answers ${vector.verdict}`,
  );
  assert.ok(
    vector.parsed && reason.shown(vector),
    `${vector.verdict}, but not because ${reason.why}`,
  );
  return reason.why;
}
