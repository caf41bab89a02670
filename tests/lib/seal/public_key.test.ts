/** Reading SubjectPublicKeyInfo: one key, one encoding, one mailbox. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Bytes } from "../../../lib/bytes.ts";
import { bytesOfInteger } from "../../../lib/minima/minidata.ts";
import { Problem } from "../../../lib/problem.ts";
import { parsePublicKey } from "../../../lib/seal/public_key.ts";
import { check } from "../property.ts";
import {
  joined,
  NONE,
  NULL,
  ODD_1024,
  RSA_OID,
  signed,
  spki,
  tlv,
} from "./der.ts";
import { ALICE, BIG, ED25519, numbersOf } from "./keys.ts";

function assertMalformed(bytes: Bytes, what: string): void {
  assert.throws(() => parsePublicKey(bytes), (error) => {
    assert.ok(error instanceof Problem, `${what}: ${error} is no Problem`);
    assert.equal(error.code, "malformed", what);
    assert.match(error.message, /^not a public key: /, what);
    return true;
  });
}

Deno.test("parsePublicKey() reads RSA keys of 1024 to 16,384 bits", () => {
  for (const bits of [1024, 1025, 1030, 1032, 1536, 2048, 4096, 16_384]) {
    const modulus = 2n ** BigInt(bits - 1) + 1n;
    assert.deepEqual(parsePublicKey(spki({ modulus: signed(modulus) })), {
      kind: "rsa",
      modulus,
      exponent: 65_537n,
      bits,
    });
  }
});

Deno.test("parsePublicKey() reads genuine keys of 1024 and 2048 bits", () => {
  assert.equal(numbersOf(ALICE.publicKey).bits, 1024);
  assert.equal(numbersOf(BIG.publicKey).bits, 2048);
});

Deno.test("parsePublicKey() reads odd exponents from 3 to 2^32", () => {
  for (const exponent of [3n, 17n, 257n, 65_537n, 2n ** 32n - 1n]) {
    const key = numbersOf(spki({ exponent: signed(exponent) }));
    assert.equal(key.exponent, exponent);
  }
});

Deno.test("parsePublicKey() reads Ed25519 keys, any 32 bytes", () => {
  assert.deepEqual(parsePublicKey(ED25519), {
    kind: "ed25519",
    key: ED25519.slice(12),
  });
});

/** Object identifiers of other algorithms, with their parameters. */
const OTHER_ALGORITHMS: Readonly<Record<string, Uint8Array>> = {
  "rsaEncryption without parameters": RSA_OID,
  "rsaEncryption with an empty sequence": joined(RSA_OID, tlv(0x30, NONE)),
  "rsaEncryption with bytes behind": joined(RSA_OID, NULL, NULL),
  "RSASSA-PSS": joined(Uint8Array.fromHex("06092a864886f70d01010a"), NULL),
  "RSAES-OAEP": joined(Uint8Array.fromHex("06092a864886f70d010107"), NULL),
  "sha256WithRSA": joined(Uint8Array.fromHex("06092a864886f70d01010b"), NULL),
  "DSA": Uint8Array.fromHex("06072a8648ce380401"),
  "EC": Uint8Array.fromHex("06072a8648ce3d020106082a8648ce3d030107"),
  "X25519": Uint8Array.fromHex("06032b656e"),
  "none": NONE,
};

const MALFORMED: Readonly<Record<string, Bytes>> = {
  "no bytes": NONE,
  "one byte": new Uint8Array([0x30]),
  "zeros": new Uint8Array(162),
  "a length beyond the end": Uint8Array.fromHex("3084ffffffff"),
  "127 length octets": joined(
    new Uint8Array([0x30, 0xff]),
    new Uint8Array(127).fill(0xff),
  ),
  "an indefinite length": Uint8Array.fromHex("30800000"),
  "a private key's tag order": tlv(0x30, tlv(0x02, new Uint8Array(1))),
  ...Object.fromEntries(
    Object.entries(OTHER_ALGORITHMS).map(([name, content]) => [
      `algorithm ${name}`,
      spki({ algorithm: tlv(0x30, content) }),
    ]),
  ),
  "a byte behind the exponent": spki({
    behind: [new Uint8Array(1), NONE, NONE, NONE],
  }),
  "a third number": spki({
    behind: [tlv(0x02, new Uint8Array([3])), NONE, NONE, NONE],
  }),
  "a byte behind the numbers": spki({
    behind: [NONE, new Uint8Array(1), NONE, NONE],
  }),
  "a byte behind the bit string": spki({
    behind: [NONE, NONE, new Uint8Array(1), NONE],
  }),
  "a byte behind the key": spki({
    behind: [NONE, NONE, NONE, new Uint8Array(1)],
  }),
  "another key behind": joined(spki(), spki()),
  "three octets for the modulus' length": spki({ octets: [3] }),
  "three octets for the numbers' length": spki({ octets: [undefined, 3] }),
  "three octets for the bit string's length": spki({
    octets: [undefined, undefined, 3],
  }),
  "three octets for the key's length": spki({
    octets: [undefined, undefined, undefined, 3],
  }),
  ...Object.fromEntries(
    ["modulus", "numbers", "bit string", "key"].map((what, i) => [
      `two octets for the ${what}'s length, below 256`,
      spki({ octets: [...new Array<undefined>(i).fill(undefined), 2] }),
    ]),
  ),
  "an octet for a length below 128": spki({
    algorithm: tlv(0x30, joined(RSA_OID, NULL), 1),
  }),
  "unused bits": spki({ unusedBits: 1 }),
  "8 unused bits": spki({ unusedBits: 8 }),
  "a negative modulus": spki({ modulus: bytesOfInteger(ODD_1024) }),
  "a modulus with a zero too many": spki({
    modulus: joined(new Uint8Array(1), signed(ODD_1024)),
  }),
  "a small modulus with a zero before it": spki({
    modulus: joined(new Uint8Array(1), signed(2n ** 1030n + 1n)),
  }),
  "a modulus of no bytes": spki({ modulus: NONE }),
  "a modulus of 0": spki({ modulus: new Uint8Array(1) }),
  "a modulus of 512 bits": spki({ modulus: signed(2n ** 511n + 1n) }),
  "a modulus of 1023 bits": spki({ modulus: signed(2n ** 1023n - 1n) }),
  "a modulus of 16,385 bits": spki({ modulus: signed(2n ** 16_384n + 1n) }),
  "a modulus of 64 KiB": spki({ modulus: signed(2n ** 524_288n - 1n) }),
  "an even modulus": spki({ modulus: signed(2n ** 1024n - 2n) }),
  "an exponent of no bytes": spki({ exponent: NONE }),
  "exponent 0": spki({ exponent: signed(0n) }),
  "exponent 1": spki({ exponent: signed(1n) }),
  "exponent 2": spki({ exponent: signed(2n) }),
  "exponent 65536": spki({ exponent: signed(65_536n) }),
  "exponent 2^32 + 1": spki({ exponent: signed(2n ** 32n + 1n) }),
  "exponent 2^40 + 1": spki({ exponent: signed(2n ** 40n + 1n) }),
  "an exponent as long as the modulus": spki({ exponent: signed(ODD_1024) }),
  "a modulus of 255 KB": spki({ modulus: signed(2n ** 2_040_000n - 1n) }),
  "exponent -1": spki({ exponent: new Uint8Array([0xff]) }),
  "exponent 65537 with a zero before it": spki({
    exponent: Uint8Array.fromHex("00010001"),
  }),
  "an Ed25519 key with a byte less": ED25519.slice(0, -1),
  "an Ed25519 key with a byte more": joined(ED25519, new Uint8Array(1)),
  "an Ed25519 key with parameters": tlv(
    0x30,
    joined(
      tlv(0x30, joined(Uint8Array.fromHex("06032b6570"), NULL)),
      tlv(0x03, ED25519.slice(11)),
    ),
  ),
  "an Ed25519 key with a long length": tlv(0x30, ED25519.slice(2), 1),
  "an Ed448 prefix": joined(
    Uint8Array.fromHex("3043300506032b6571033a00"),
    new Uint8Array(57),
  ),
  "an X25519 key": joined(
    Uint8Array.fromHex("302a300506032b656e032100"),
    new Uint8Array(32),
  ),
  "32 bytes alone": ED25519.slice(12),
};

for (const [what, bytes] of Object.entries(MALFORMED)) {
  Deno.test(`parsePublicKey() refuses ${what}`, () => {
    assertMalformed(bytes, what);
  });
}

Deno.test("parsePublicKey() refuses every key that is cut short", () => {
  for (const key of [ALICE.publicKey, BIG.publicKey, ED25519]) {
    for (let length = 0; length < key.length; length++) {
      assertMalformed(key.slice(0, length), `${length} bytes`);
    }
  }
});

Deno.test("parsePublicKey() makes no number of a modulus of 255 KB before it refuses it", () => {
  const bytes = spki({ modulus: signed(2n ** 2_040_000n - 1n) });
  const numbers = numbersMade(() => assertMalformed(bytes, "255 KB"));
  assert.deepEqual(numbers, []);
});

Deno.test("parsePublicKey() makes no number of an exponent that is too long", () => {
  const bytes = spki({ exponent: signed(2n ** 8_000n + 1n) });
  const numbers = numbersMade(() => assertMalformed(bytes, "8001 bits"));
  // Of the lengths of the values alone.
  assert.ok(numbers.every((digits) => digits <= 4), `${numbers}`);
});

/** How many hex digits the numbers have that are made of bytes meanwhile. */
function numbersMade(run: () => void): number[] {
  const { toHex } = Uint8Array.prototype;
  const made: number[] = [];
  Uint8Array.prototype.toHex = function () {
    const hex = toHex.call(this);
    made.push(hex.length);
    return hex;
  };
  try {
    run();
  } finally {
    Uint8Array.prototype.toHex = toHex;
  }
  return made;
}

/** What a key is told from others by, or why it is none. */
function sight(bytes: Bytes): string {
  try {
    const key = parsePublicKey(bytes);
    return key.kind === "rsa"
      ? `rsa ${key.modulus.toString(16)} ${key.exponent}`
      : `ed25519 ${key.key.toHex()}`;
  } catch (error) {
    assert.ok(error instanceof Problem && error.code === "malformed");
    return "malformed";
  }
}

for (
  const [name, key] of [
    ["RSA", ALICE.publicKey],
    ["Ed25519", ED25519],
  ] as const
) {
  Deno.test(`parsePublicKey() sees every change of one byte: ${name}`, () => {
    const original = sight(key);
    assert.notEqual(original, "malformed");
    for (let offset = 0; offset < key.length; offset++) {
      const changed = new Uint8Array(key);
      for (let bits = 1; bits < 256; bits++) {
        changed[offset] = (key[offset] ?? 0) ^ bits;
        assert.notEqual(sight(changed), original, `${bits} at ${offset}`);
      }
    }
  });
}

Deno.test("parsePublicKey() takes two encodings of one key for none", async () => {
  const changes = fc.array(
    fc.tuple(fc.nat(ALICE.publicKey.length - 1), fc.integer({ max: 255 })),
    { minLength: 1, maxLength: 4 },
  );
  const original = sight(ALICE.publicKey);
  await check(
    fc.property(changes, (list) => {
      const changed = new Uint8Array(ALICE.publicKey);
      for (const [offset, byte] of list) changed[offset] = byte;
      fc.pre(changed.toHex() !== ALICE.publicKey.toHex());
      assert.notEqual(sight(changed), original);
    }),
    1_000,
  );
});

Deno.test("parsePublicKey() gives a key or a Problem for any bytes", async () => {
  await check(
    fc.property(fc.uint8Array({ maxLength: 300, size: "max" }), (bytes) => {
      sight(bytes);
      sight(joined(ALICE.publicKey.slice(0, 25), bytes));
      sight(joined(new Uint8Array([0x30]), bytes));
    }),
    1_000,
  );
});
