/** Suite maxima: sealing and opening (spec/maxima.md 6.1, 6.3, 6.4). */
import assert from "node:assert/strict";
import fc from "fast-check";
import { decode, encode } from "../../../lib/minima/codec.ts";
import {
  cryptoPackage,
  type MaximaMessage,
  maximaMessage,
  type MaximaPackage,
} from "../../../lib/minima/maxima.ts";
import { integer, parseMiniNumber } from "../../../lib/minima/mininumber.ts";
import { Problem } from "../../../lib/problem.ts";
import { decrypt, encrypt, open, seal } from "../../../lib/seal/maxima.ts";
import { wrap } from "../../../lib/seal/rsa.ts";
import { check } from "../property.ts";
import { seededRandom } from "../randomness.ts";
import { ALICE, BIG, BOB, ED25519, EVE, numbersOf } from "./keys.ts";
import { MESSAGE, OPTIONS, sealed, signedByBob, text, TIME } from "./sealed.ts";

Deno.test("open() gives the message that seal() took, and who sent it", async () => {
  const unit = await seal({ ...OPTIONS, random: seededRandom("plain") });
  assert.equal(unit.version, "1.0");
  assert.deepEqual(unit.to, ALICE.publicKey);
  const { random, id: _, ...message } = await open(unit, ALICE);
  assert.equal(random.length, 32);
  assert.deepEqual(message, {
    from: BOB.publicKey,
    to: ALICE.publicKey,
    time: integer(TIME),
    application: "chat",
    data: OPTIONS.data,
  });
});

Deno.test("seal() has the genuine sizes: 333 bytes and the AES output", async () => {
  for (const length of [0, 1, 15, 16, 1_000, 100_000]) {
    const data = new Uint8Array(length);
    const unit = await seal({ ...OPTIONS, application: "maxsolo", data });
    const parts = decode(cryptoPackage, unit.data);
    const plaintext = 686 + "maxsolo".length + length;
    assert.deepEqual({
      iv: parts.iv.length,
      wrappedKey: parts.wrappedKey.length,
      ciphertext: parts.ciphertext.length,
    }, {
      iv: 16,
      wrappedKey: 128,
      ciphertext: 16 * (Math.floor(plaintext / 16) + 1),
    });
  }
});

Deno.test("seal() is the same for the same random, another for another", async () => {
  const first = await seal({ ...OPTIONS, random: seededRandom("a") });
  const again = await seal({ ...OPTIONS, random: seededRandom("a") });
  const other = await seal({ ...OPTIONS, random: seededRandom("b") });
  assert.deepEqual(again, first);
  assert.notDeepEqual(other.data, first.data);
  assert.notDeepEqual(
    (await seal(OPTIONS)).data,
    (await seal(OPTIONS)).data,
  );
});

Deno.test("open() gives what seal() took, for any text and 0 to 300 KB", async () => {
  const byte = fc.nat(255);
  const size = fc.oneof(
    fc.nat(300),
    fc.constantFrom(65_535, 65_536, 261_121, 300_000),
    fc.nat(300_000),
  );
  const application = fc.string({ unit: "binary", maxLength: 30 });
  const recipient = fc.constantFrom(ALICE, BIG);
  const sender = fc.constantFrom(BOB, BIG, EVE);
  await check(
    fc.asyncProperty(
      size,
      byte,
      application,
      recipient,
      sender,
      fc.nat(2 ** 50),
      async (length, fill, name, to, from, time) => {
        const data = new Uint8Array(length).fill(fill);
        const unit = await seal({
          to: to.publicKey,
          from,
          application: name,
          data,
          time,
        });
        const { random: _, id: __, ...message } = await open(unit, to);
        assert.deepEqual(message, {
          from: from.publicKey,
          to: to.publicKey,
          time: integer(time),
          application: name,
          data,
        });
      },
    ),
    60,
  );
});

Deno.test("decrypt() gives what encrypt() took, at every length up to 64", async () => {
  for (let length = 0; length <= 64; length++) {
    const plaintext = new Uint8Array(length).fill(length);
    const bytes = await encrypt(ALICE.publicKey, plaintext);
    assert.deepEqual(await decrypt(bytes, ALICE), plaintext);
  }
});

Deno.test("decrypt() takes keys of 16, 24 and 32 bytes, as genuine nodes do", async () => {
  for (const length of [16, 24, 32]) {
    const key = new Uint8Array(length).fill(length);
    const iv = new Uint8Array(16).fill(9);
    const aes = await crypto.subtle.importKey("raw", key, "AES-CBC", false, [
      "encrypt",
    ]);
    const ciphertext = new Uint8Array(
      await crypto.subtle.encrypt({ name: "AES-CBC", iv }, aes, text("hello")),
    );
    const wrappedKey = wrap(numbersOf(ALICE.publicKey), key);
    const bytes = encode(cryptoPackage, { iv, wrappedKey, ciphertext });
    assert.deepEqual(await decrypt(bytes, ALICE), text("hello"));
  }
});

Deno.test("open() takes what genuine nodes take", async (t) => {
  const bytes = encode(maximaMessage, MESSAGE);
  const behind = text("behind");
  const plaintext = await signedByBob(bytes);
  const unit = await sealed(plaintext);
  const fraction = { ...MESSAGE, time: parseMiniNumber("-1.50") };
  const cases: Readonly<Record<string, [MaximaPackage, MaximaMessage]>> = {
    "bytes behind the message, signed": [
      await sealed(await signedByBob(new Uint8Array([...bytes, ...behind]))),
      MESSAGE,
    ],
    "bytes behind the plaintext": [
      await sealed(new Uint8Array([...plaintext, ...behind])),
      MESSAGE,
    ],
    "bytes behind the sealed parts": [
      { ...unit, data: new Uint8Array([...unit.data, ...behind]) },
      MESSAGE,
    ],
    "an outer address that the message does not name": [
      { ...unit, to: EVE.publicKey },
      MESSAGE,
    ],
    "a message to nobody": [
      await sealed(
        await signedByBob(
          encode(maximaMessage, { ...MESSAGE, to: new Uint8Array() }),
        ),
      ),
      { ...MESSAGE, to: new Uint8Array() },
    ],
    "any time": [
      await sealed(await signedByBob(encode(maximaMessage, fraction))),
      fraction,
    ],
    "an empty application, data and random": [
      await sealed(
        await signedByBob(
          encode(maximaMessage, {
            ...MESSAGE,
            random: new Uint8Array(),
            application: "",
            data: new Uint8Array(),
          }),
        ),
      ),
      {
        ...MESSAGE,
        random: new Uint8Array(),
        application: "",
        data: new Uint8Array(),
      },
    ],
  };
  for (const [what, [given, expected]] of Object.entries(cases)) {
    await t.step(what, async () => {
      const { id: _, ...message } = await open(given, ALICE);
      assert.deepEqual(message, expected);
    });
  }
});

Deno.test("seal() and encrypt() refuse what is no RSA key, as malformed", async () => {
  const wrong = [
    ED25519,
    new Uint8Array(),
    text("Alice"),
    ALICE.publicKey.slice(1),
    new Uint8Array([...ALICE.publicKey, 0]),
  ];
  for (const to of wrong) {
    for (
      const attempt of [
        () => seal({ ...OPTIONS, to }),
        () => encrypt(to, text("hello")),
      ]
    ) {
      await assert.rejects(attempt, (error) => {
        assert.ok(error instanceof Problem, `${error} is no Problem`);
        assert.equal(error.code, "malformed");
        return true;
      });
    }
  }
});
