/** Envelopes that are each wrong in one way, and what is said of them. */
import type { Bytes } from "../../lib/bytes.ts";
import { encode } from "../../lib/minima/codec.ts";
import { MIN_HASHES, MIN_WORK } from "../../lib/minima/constants.ts";
import { type MaxTxPow, maxTxPow } from "../../lib/minima/maxima.ts";
import { meets } from "../../lib/minima/txpow_facts.ts";
import { txPow } from "../../lib/minima/txpow.ts";
import { txHeader } from "../../lib/minima/txheader.ts";
import type { ProblemCode } from "../../lib/problem.ts";
import { targetBytes, targetOf } from "../../lib/work/target.ts";
import { DAY, HOUR } from "./clock.ts";
import {
  type EnvelopeParts,
  makeEnvelope,
  makePackage,
  randomBytes,
} from "./envelopes.ts";
import { freshKey, type Owner } from "./owner.ts";

/** An envelope, and the code of its refusal. */
export interface BadEnvelope {
  readonly what: string;
  readonly code: ProblemCode;
  readonly make: (owner: Owner) => Bytes | Promise<Bytes>;
}

/** A unit to the owner that is as it should be, but for the parts given. */
function unitTo(owner: Owner, parts: Partial<EnvelopeParts> = {}): MaxTxPow {
  return makeEnvelope({
    package: makePackage(owner.publicKey, 900),
    time: owner.relay.clock.time,
    ...parts,
  });
}

function envelopeTo(owner: Owner, parts: Partial<EnvelopeParts> = {}): Bytes {
  return encode(maxTxPow, unitTo(owner, parts));
}

/** A good envelope with other bytes in the place of some. */
function replaced(owner: Owner, from: string, to: string): Bytes {
  const [before = "", after = "", ...others] = envelopeTo(owner).toHex()
    .split(from);
  if (after === "" || others.length > 0) throw new Error(`${from} once`);
  return Uint8Array.fromHex(before + to + after);
}

/** Offsets of a good envelope's parts: its TxPoW, its body, its end. */
function partsOf(unit: MaxTxPow): Record<"txPow" | "body" | "end", number> {
  const end = encode(maxTxPow, unit).length;
  const start = end - encode(txPow, unit.txPow).length;
  const body = start + encode(txHeader, unit.txPow.header).length + 1;
  return { txPow: start, body, end };
}

/** A good envelope cut at an offset that is counted from one of its parts. */
function cut(part: "txPow" | "body" | "end", by: number): BadEnvelope {
  return {
    what: `cut ${by} bytes from ${part}`,
    code: "malformed",
    make(owner) {
      const unit = unitTo(owner);
      return encode(maxTxPow, unit).slice(0, partsOf(unit)[part] + by);
    },
  };
}

/** Mined for a recipient whose key is none. */
function to(what: string, key: () => Bytes | Promise<Bytes>): BadEnvelope {
  return {
    what: `to ${what}`,
    code: "malformed",
    make: async (owner) =>
      envelopeTo(owner, { package: makePackage(await key(), 900) }),
  };
}

async function spkiOf(
  algorithm: RsaHashedKeyGenParams | EcKeyGenParams,
): Promise<Bytes> {
  const { publicKey } = await crypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  return new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
}

/** Block number, block difficulty and super parents of a plain header. */
const PLAIN = "0001000000000100200000000100";

/** Whether an id is good enough for the network, and no better than that. */
const EASY: (id: Bytes) => boolean = (id) =>
  meets(id, MIN_WORK) && !meets(id, targetBytes(targetOf(2 * MIN_HASHES)));

/** A table of them. */
export const BAD_ENVELOPES: readonly BadEnvelope[] = [
  { what: "nothing", code: "malformed", make: () => new Uint8Array() },
  { what: "noise", code: "malformed", make: () => randomBytes(1_500) },
  {
    what: "a length beyond the end",
    code: "malformed",
    make: () => Uint8Array.fromHex("00000003312e3000000003312e307fffffff"),
  },
  ...[-900, -1, 0, 3, 40].map((by) => cut("txPow", by)),
  ...[-1, 0, 50].map((by) => cut("body", by)),
  cut("end", -1),
  {
    what: "a byte behind the end",
    code: "malformed",
    make: (owner) => new Uint8Array([...envelopeTo(owner), 0]),
  },
  {
    what: "a second envelope behind the end",
    code: "malformed",
    make(owner) {
      const envelope = envelopeTo(owner);
      return new Uint8Array([...envelope, ...envelope]);
    },
  },
  {
    what: "a number with a redundant sign byte",
    code: "malformed",
    make: (owner) =>
      replaced(owner, PLAIN, `00020000${PLAIN.slice("000100".length)}`),
  },
  {
    what: "super parents in two runs of one hash",
    code: "malformed",
    make: (owner) =>
      replaced(
        owner,
        PLAIN,
        PLAIN.replace("200000000100", "100000000100100000000100"),
      ),
  },
  {
    what: "a run of no super parents",
    code: "malformed",
    make: (owner) =>
      replaced(
        owner,
        PLAIN,
        PLAIN.replace("200000000100", "000000000107200000000100"),
      ),
  },
  {
    what: "a claim to have a body that is 2",
    code: "malformed",
    make(owner) {
      const unit = unitTo(owner);
      const bytes = encode(maxTxPow, unit).slice();
      bytes[partsOf(unit).body - 1] = 2;
      return bytes;
    },
  },
  {
    what: "version 9.9 of the envelope",
    code: "malformed",
    make: (owner) => encode(maxTxPow, { ...unitTo(owner), version: "9.9" }),
  },
  {
    what: "version 9.9 of the package",
    code: "malformed",
    make: (owner) =>
      envelopeTo(owner, {
        package: { ...makePackage(owner.publicKey, 900), version: "9.9" },
      }),
  },
  {
    what: "chain id 01",
    code: "malformed",
    make: (owner) =>
      envelopeTo(owner, { header: { chainId: new Uint8Array([1]) } }),
  },
  {
    what: "chain id 0000",
    code: "malformed",
    make: (owner) =>
      envelopeTo(owner, { header: { chainId: new Uint8Array(2) } }),
  },
  to("no bytes", () => new Uint8Array()),
  to("one byte", () => new Uint8Array(1)),
  to("32 bytes", () => randomBytes(32)),
  to("a key with a byte behind it", () => new Uint8Array([...freshKey(), 0])),
  to(
    "a key of an elliptic curve that is not taken",
    () => spkiOf({ name: "ECDSA", namedCurve: "P-256" }),
  ),
  to("an RSA key of 768 bits", () =>
    spkiOf({
      name: "RSASSA-PKCS1-v1_5",
      hash: "SHA-256",
      modulusLength: 768,
      publicExponent: new Uint8Array([1, 0, 1]),
    })),
  {
    what: "a package of 262,145 bytes",
    code: "too-large",
    // Versions and lengths take 15 bytes.
    make: (owner) =>
      envelopeTo(owner, {
        package: makePackage(
          owner.publicKey,
          262_145 - 15 - owner.publicKey.length,
        ),
        hashes: 100_000,
      }),
  },
  {
    what: "a TxPoW of over 65,536 bytes",
    code: "too-large",
    make: (owner) =>
      envelopeTo(owner, {
        body: {
          txPowIds: Array.from({ length: 1_821 }, () => randomBytes(32)),
        },
        hashes: 100_000,
      }),
  },
  {
    what: "work for another package",
    code: "wrong-hash",
    make: (owner) =>
      encode(maxTxPow, {
        ...unitTo(owner),
        package: makePackage(owner.publicKey, 900),
      }),
  },
  {
    what: "work for no package",
    code: "wrong-hash",
    make: (owner) =>
      envelopeTo(owner, { header: { customHash: new Uint8Array(1) } }),
  },
  {
    what: "another body than the one mined",
    code: "wrong-hash",
    make(owner) {
      const unit = unitTo(owner);
      const { body: other } = unitTo(owner).txPow;
      return encode(maxTxPow, {
        ...unit,
        txPow: { ...unit.txPow, body: other },
      });
    },
  },
  {
    what: "no work",
    code: "work-insufficient",
    make: (owner) =>
      envelopeTo(owner, { accepts: (id) => !meets(id, MIN_WORK) }),
  },
  {
    what: "the header alone",
    code: "work-insufficient",
    make(owner) {
      const unit = unitTo(owner);
      return encode(maxTxPow, {
        ...unit,
        txPow: { ...unit.txPow, body: null },
      });
    },
  },
  {
    what: "more work promised than done",
    code: "work-insufficient",
    make: (owner) =>
      envelopeTo(owner, { hashes: 2 * MIN_HASHES, accepts: EASY }),
  },
  {
    what: "a target that is easier than the minimum, luckily met",
    code: "work-insufficient",
    make: (owner) =>
      envelopeTo(owner, {
        hashes: MIN_HASHES - 1,
        accepts: (id) => meets(id, MIN_WORK),
      }),
  },
  {
    what: "work for less than an hour",
    code: "work-insufficient",
    make: (owner) =>
      envelopeTo(owner, { package: makePackage(owner.publicKey, 100_000) }),
  },
  {
    what: "work of over a day ago",
    code: "work-stale",
    make: (owner) =>
      envelopeTo(owner, { time: owner.relay.clock.time - DAY - 1 }),
  },
  {
    what: "work of over two hours ahead",
    code: "work-stale",
    make: (owner) =>
      envelopeTo(owner, { time: owner.relay.clock.time + 2 * HOUR + 1 }),
  },
  {
    what: "work of before the epoch",
    code: "work-stale",
    make: (owner) =>
      envelopeTo(owner, {
        header: { time: { scale: 0, unscaled: -1n } },
      }),
  },
  {
    what: "work of the largest time there is",
    code: "work-stale",
    make: (owner) =>
      envelopeTo(owner, {
        header: { time: { scale: -128, unscaled: 10n ** 64n - 1n } },
      }),
  },
  {
    what: "a mailbox that nobody opened",
    code: "mailbox-unknown",
    make: (owner) =>
      envelopeTo(owner, { package: makePackage(freshKey(), 900) }),
  },
];

/** A good one, to tell that the others fail for the one thing. */
export function goodEnvelope(owner: Owner): Bytes {
  return envelopeTo(owner);
}
