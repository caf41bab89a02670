/**
 * What a relay must say of a unit, told from what a vector says of it and from
 * nothing that this repository computes: the rules of spec/maxima.md 8.2, in
 * their order.
 */
import { createPublicKey } from "node:crypto";
import type { ProblemCode } from "../../../lib/problem.ts";

/** What must be known of a unit. Null: the vector does not say, or no part. */
export interface UnitFacts {
  /** Whether the bytes decode at all. */
  readonly decodes: boolean;
  readonly canonical: boolean;
  readonly trailingBytes: number;
  /** Serialised sizes; null for what is not there. */
  readonly packageBytes: number | null;
  readonly txPowBytes: number;
  /** Of the envelope and the package. */
  readonly versions: readonly string[];
  /** The recipient's key, hex; null for a TxPoW by itself. */
  readonly to: string | null;
  readonly chainId: string;
  readonly customHashMatches: boolean | null;
  readonly idBelowMinimumWork: boolean;
  readonly hasBody: boolean;
  readonly bodyHashMatches: boolean | null;
  /** What the id is below, according to the body. */
  readonly txnDifficulty: bigint | null;
  readonly id: bigint;
}

/** What a relay says, and the rule that it says it by. */
export interface Verdict {
  readonly code: ProblemCode | "ok";
  readonly why: string;
}

interface Rule extends Verdict {
  readonly code: ProblemCode;
  readonly applies: (facts: UnitFacts) => boolean;
}

const MINIMUM_WORK = (2n ** 256n - 1n) / 10_000n;

const RULES: readonly Rule[] = [
  {
    code: "too-large",
    why: "a package has at most 262,144 bytes",
    applies: ({ packageBytes }) => (packageBytes ?? 0) > 262_144,
  },
  {
    code: "too-large",
    why: "a TxPoW has at most 65,536 bytes",
    applies: ({ txPowBytes, trailingBytes }) =>
      txPowBytes + trailingBytes > 65_536,
  },
  {
    code: "malformed",
    why: "the bytes do not decode",
    applies: ({ decodes }) => !decodes,
  },
  {
    code: "malformed",
    why:
      "genuine nodes do not read the bytes behind a unit, a relay wants none",
    applies: ({ trailingBytes }) => trailingBytes > 0,
  },
  {
    code: "malformed",
    why: "genuine nodes re-encode, a relay takes the canonical form alone",
    applies: ({ canonical }) => !canonical,
  },
  {
    code: "malformed",
    why: "genuine nodes do not check versions, a relay wants 1.0",
    applies: ({ versions }) => versions.some((version) => version !== "1.0"),
  },
  {
    code: "malformed",
    why: "to is not a key, so no mailbox can be its owner's",
    applies: ({ to }) => to !== null && !isKey(to),
  },
  {
    code: "malformed",
    why: "genuine nodes do not check the chain, a relay wants the main net's",
    applies: ({ chainId }) => chainId !== "0x00",
  },
  {
    code: "wrong-hash",
    why: "the custom hash does not commit to the package",
    applies: ({ customHashMatches }) => customHashMatches === false,
  },
  {
    code: "work-insufficient",
    why:
      "genuine nodes never check work (13.1), this has less than the minimum",
    applies: ({ idBelowMinimumWork }) => !idBelowMinimumWork,
  },
  {
    code: "work-insufficient",
    why: "a header alone commits to no target (13.2)",
    applies: ({ hasBody }) => !hasBody,
  },
  {
    code: "wrong-hash",
    why: "genuine nodes do not bind the body (13.2), this is not the header's",
    applies: ({ bodyHashMatches }) => bodyHashMatches === false,
  },
  {
    code: "work-insufficient",
    why: "the body's target is easier than the network minimum",
    applies: ({ txnDifficulty }) => (txnDifficulty ?? 0n) > MINIMUM_WORK,
  },
  {
    code: "work-insufficient",
    why: "the id does not meet the body's target",
    applies: ({ id, txnDifficulty }) =>
      txnDifficulty !== null && id >= txnDifficulty,
  },
];

/** The first rule that a unit breaks, or `ok`. */
export function verdictFor(facts: UnitFacts): Verdict {
  return RULES.find((rule) => rule.applies(facts)) ??
    { code: "ok", why: "it keeps every rule of section 8.2" };
}

/** Whether a relay can have a mailbox for a key, by the platform's reading. */
function isKey(hex: string): boolean {
  const der = Uint8Array.fromHex(hex);
  try {
    const key = createPublicKey({
      key: der as unknown as string,
      format: "der",
      type: "spki",
    });
    if (key.asymmetricKeyType === "ed25519") return der.length === 44;
    const written = key.export({ format: "der", type: "spki" });
    return key.asymmetricKeyType === "rsa" &&
      (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 1_024 &&
      new Uint8Array(written).toHex() === hex;
  } catch {
    return false;
  }
}
