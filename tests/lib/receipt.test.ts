/** Receipts: the same word for the same facts, and nobody else's. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { cursorOf } from "../../lib/cursor.ts";
import { mailboxIdOf, messageIdOf, objectHashOf } from "../../lib/ids.ts";
import {
  type Receipt,
  ReceiptError,
  signReceipt,
  verifyReceipt,
} from "../../lib/receipt.ts";
import { importVerifyingKey } from "../../lib/signing_key.ts";
import { issueToken } from "../../lib/token.ts";
import { check } from "./property.ts";
import {
  base64url,
  GARBAGE,
  jws,
  OTHER_RELAY,
  parts,
  RELAY,
  unsigned,
} from "./tokens.ts";

const FACTS: Omit<Receipt, "iss"> = {
  sub: mailboxIdOf(new Uint8Array([1])),
  jti: messageIdOf(new Uint8Array(32).fill(2)),
  object: objectHashOf(new Uint8Array(32).fill(3)),
  root: "04".repeat(32),
  size: 1_496,
  cursor: cursorOf({ epoch: "0".repeat(12), versionstamp: "1".repeat(20) }),
  iat: 1_790_000_000,
  exp: 1_790_086_400,
  paid: { by: "work", hashes: 11_000 },
};
const RECEIPT: Receipt = { iss: RELAY.relayId, ...FACTS };
const TYPE = "restante-receipt+jwt";
const HEADER = { alg: "EdDSA", typ: TYPE, kid: RELAY.relayId };

async function assertRefused(receipt: string, what = receipt): Promise<void> {
  await assert.rejects(verifyReceipt(receipt, RELAY), (error) => {
    assert.ok(error instanceof ReceiptError, `${what}: ${error}`);
    assert.equal(error.code, "receipt-invalid");
    assert.equal(error.name, "ReceiptError");
    return true;
  });
}

Deno.test("verifyReceipt() gives what signReceipt() took, and who signed", async () => {
  const receipt = await signReceipt(RELAY, FACTS);
  assert.deepEqual(await verifyReceipt(receipt, RELAY), RECEIPT);
});

Deno.test("signReceipt() is a function of the facts, byte for byte", async () => {
  const receipt = await signReceipt(RELAY, FACTS);
  assert.equal(await signReceipt(RELAY, { ...FACTS }), receipt);
  // Members in another order, and one that does not belong there.
  const { paid, exp, ...others } = FACTS;
  const shuffled = { exp, ...others, paid, extra: 1 };
  assert.equal(await signReceipt(RELAY, shuffled), receipt);
  // It must not change from one version to the next either.
  assert.equal(
    receipt,
    await jws(HEADER, JSON.stringify(RECEIPT)),
  );
  assert.deepEqual(parts(receipt), [HEADER, RECEIPT]);
});

Deno.test("signReceipt() tells any two facts apart", async () => {
  const others: readonly Partial<Receipt>[] = [
    { sub: mailboxIdOf(new Uint8Array([2])) },
    { jti: messageIdOf(new Uint8Array(32)) },
    { object: objectHashOf(new Uint8Array(32)) },
    { root: "05".repeat(32) },
    { root: undefined },
    { size: 1_497 },
    {
      cursor: cursorOf({ epoch: "0".repeat(12), versionstamp: "2".repeat(20) }),
    },
    { iat: 1_790_000_001 },
    { exp: 1_790_086_401 },
    { paid: { by: "work", hashes: 11_001 } },
  ];
  const receipts = [await signReceipt(OTHER_RELAY, FACTS)];
  for (const other of [{}, ...others]) {
    receipts.push(await signReceipt(RELAY, { ...FACTS, ...other }));
  }
  assert.equal(new Set(receipts).size, others.length + 2);
});

Deno.test("verifyReceipt() needs the public key alone", async () => {
  const key = await importVerifyingKey(RELAY.jwk.x);
  const receipt = await signReceipt(RELAY, FACTS);
  assert.deepEqual(await verifyReceipt(receipt, key), RECEIPT);
});

Deno.test("verifyReceipt() takes a receipt of before there were roots", async () => {
  const { root: _, ...facts } = FACTS;
  const receipt = await signReceipt(RELAY, facts);
  assert.deepEqual(await verifyReceipt(receipt, RELAY), {
    iss: RELAY.relayId,
    ...facts,
  });
  assert.ok(!("root" in parts(receipt)[1]));
});

Deno.test("verifyReceipt() takes a former key's receipt, if it was given before the key ended", async () => {
  const until = 1_000 * FACTS.iat;
  const keys = [OTHER_RELAY, { ...RELAY, until }];
  const receipt = await signReceipt(RELAY, FACTS);
  assert.deepEqual(await verifyReceipt(receipt, keys), RECEIPT);
  const late = await signReceipt(RELAY, { ...FACTS, iat: FACTS.iat + 1 });
  await assert.rejects(verifyReceipt(late, keys), ReceiptError);
  await assert.rejects(verifyReceipt(receipt, OTHER_RELAY), ReceiptError);
});

Deno.test("verifyReceipt() refuses a receipt of one of the relay's keys in the name of another", async () => {
  const keys = [RELAY, { ...OTHER_RELAY, until: 2e12 }];
  const { relayId: iss } = OTHER_RELAY;
  const bad = await jws(HEADER, { ...RECEIPT, iss });
  await assert.rejects(verifyReceipt(bad, keys), ReceiptError);
  assert.equal(
    (await verifyReceipt(await signReceipt(OTHER_RELAY, FACTS), keys)).iss,
    iss,
  );
});

Deno.test("verifyReceipt() blames no receipt for a key that cannot check it", async () => {
  const key = { ...RELAY, publicKey: RELAY.privateKey };
  const checked = verifyReceipt(await signReceipt(RELAY, FACTS), key);
  await assert.rejects(checked, DOMException);
});

Deno.test("verifyReceipt() takes a receipt of a hold that was extended: the same id, a later end", async () => {
  const extended = { ...FACTS, exp: FACTS.exp + 86_400 };
  const receipt = await signReceipt(RELAY, extended);
  assert.deepEqual(await verifyReceipt(receipt, RELAY), {
    ...RECEIPT,
    exp: extended.exp,
  });
});

Deno.test("verifyReceipt() takes a receipt whose hold has ended", async () => {
  const receipt = await signReceipt(RELAY, { ...FACTS, iat: 1, exp: 2 });
  assert.equal((await verifyReceipt(receipt, RELAY)).exp, 2);
});

Deno.test("verifyReceipt() refuses", async (t) => {
  const receipt = await signReceipt(RELAY, FACTS);
  const [header = "", payload = "", signature = ""] = receipt.split(".");
  const { token } = await issueToken(
    RELAY,
    { mailbox: FACTS.sub, scopes: ["read"], jkt: null },
    1_790_000_000_000,
  );
  const changed = base64url(JSON.stringify({ ...RECEIPT, size: 1 }));
  const cases: Readonly<Record<string, string>> = {
    "another relay's": await signReceipt(OTHER_RELAY, FACTS),
    "another relay's, in this one's name": await jws(
      HEADER,
      RECEIPT,
      OTHER_RELAY.privateKey,
    ),
    "this relay's, in another's name": await jws(HEADER, {
      ...RECEIPT,
      iss: OTHER_RELAY.relayId,
    }),
    "a changed payload": `${header}.${changed}.${signature}`,
    "no signature": `${header}.${payload}.`,
    "half a signature": `${header}.${payload}.${signature.slice(0, 43)}`,
    "a signature too long": `${receipt}AAAA`,
    "a part too many": `${receipt}.${signature}`,
    "a token": token,
    "alg none": unsigned(HEADER, RECEIPT),
    "alg none with the signature": unsigned(HEADER, RECEIPT) + signature,
    "HS256 with the public key as secret": await jws(
      { ...HEADER, alg: "HS256" },
      RECEIPT,
      Uint8Array.fromBase64(RELAY.jwk.x, { alphabet: "base64url" }),
    ),
    "no typ": await jws({ alg: "EdDSA", kid: RELAY.relayId }, RECEIPT),
    "typ JWT": await jws({ ...HEADER, typ: "JWT" }, RECEIPT),
    "typ of a token": await jws(
      { ...HEADER, typ: "restante-token+jwt" },
      RECEIPT,
    ),
    "typ of another word": await jws(
      { ...HEADER, typ: "restante-custody+jwt" },
      RECEIPT,
    ),
    "no kid": await jws({ alg: "EdDSA", typ: TYPE }, RECEIPT),
  };
  for (const [what, bad] of Object.entries(cases)) {
    await t.step(what, () => assertRefused(bad, what));
  }
  for (const bad of GARBAGE) {
    await t.step(`garbage ${JSON.stringify(bad.slice(0, 40))}`, async () => {
      await assertRefused(bad);
    });
  }
});

// A hostile relay signs what it likes; whoever checks it hears of a receipt
// that is none, and not of a crash.
Deno.test("verifyReceipt() refuses what its own relay signed and is no receipt", async (t) => {
  const payloads: Readonly<Record<string, unknown>> = {
    "no JSON": "so much for JSON",
    "nothing": "",
    "null": null,
    "a number": 7,
    "a list": [],
    "no members": { iss: RELAY.relayId },
    "a size that is text": { ...RECEIPT, size: "1496" },
    "no cursor": { ...RECEIPT, cursor: undefined },
    "a root in capitals": { ...RECEIPT, root: "AB".repeat(32) },
    "half a root": { ...RECEIPT, root: "04".repeat(16) },
    "a root of null": { ...RECEIPT, root: null },
    "a size below nothing": { ...RECEIPT, size: -1 },
    "half a second": { ...RECEIPT, iat: 1.5 },
    "a time beyond all times": { ...RECEIPT, exp: 1e300 },
    "paid by magic": { ...RECEIPT, paid: { by: "magic" } },
  };
  for (const [what, payload] of Object.entries(payloads)) {
    await t.step(what, async () => {
      await assertRefused(await jws(HEADER, payload), what);
    });
  }
});

/** What no relay says of a member, and of every one of its kind. */
const HASHES: readonly unknown[] = [
  "",
  "0".repeat(63),
  "0".repeat(65),
  "AB".repeat(32),
  `${"0".repeat(63)}\n`,
  7,
  null,
];
const NUMBERS: readonly unknown[] = [-1, 0.5, 2 ** 53, 1e300, "1", null];
const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  iss: HASHES,
  sub: [...HASHES, undefined],
  jti: [...HASHES, undefined],
  object: [...HASHES, undefined],
  root: HASHES,
  size: [...NUMBERS, undefined],
  cursor: ["", "x", `${FACTS.cursor}0`, FACTS.cursor.toUpperCase() + "x", null],
  iat: [...NUMBERS, undefined],
  exp: [...NUMBERS, undefined],
  paid: [
    ...NUMBERS.map((hashes) => ({ by: "work", hashes })),
    { by: "work" },
    { by: "WORK", hashes: 1 },
    { hashes: 1 },
    null,
    undefined,
  ],
};

for (const [member, values] of Object.entries(WRONG)) {
  Deno.test(`verifyReceipt() refuses a receipt whose ${member} is none`, async () => {
    for (const value of values) {
      const bad = await jws(HEADER, { ...RECEIPT, [member]: value });
      await assertRefused(bad, JSON.stringify(value));
    }
  });
}

Deno.test("verifyReceipt() refuses any change of what is signed", async () => {
  const receipt = await signReceipt(RELAY, FACTS);
  const signed = receipt.lastIndexOf(".");
  await check(
    fc.asyncProperty(
      fc.nat(signed),
      fc.constantFrom(..."AZaz09-_.=~ \n{é"),
      async (at, character) => {
        fc.pre(receipt[at] !== character);
        const bad = receipt.slice(0, at) + character + receipt.slice(at + 1);
        await assertRefused(bad);
      },
    ),
    300,
  );
});

Deno.test("verifyReceipt() refuses any change of the signature", async () => {
  const receipt = await signReceipt(RELAY, FACTS);
  const [header, payload, signature = ""] = receipt.split(".");
  const bytes = Uint8Array.fromBase64(signature, { alphabet: "base64url" });
  await check(
    fc.asyncProperty(
      fc.nat(bytes.length - 1),
      fc.integer({ min: 1, max: 255 }),
      async (at, bits) => {
        const bad = new Uint8Array(bytes);
        bad[at] = (bad[at] ?? 0) ^ bits;
        await assertRefused(`${header}.${payload}.${base64url(bad)}`);
      },
    ),
    200,
  );
});
