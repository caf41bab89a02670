/** The names of mailboxes, messages, objects and relays. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  mailboxIdOf,
  messageIdOf,
  objectHashOf,
  parseMailboxId,
  parseObjectHash,
  relayIdOf,
} from "../../lib/ids.ts";
import { assertProblem } from "./problems.ts";
import { ALICE, BOB } from "./seal/keys.ts";

const HASH = Uint8Array.from({ length: 32 }, (_, i) => 0xf0 ^ i);

Deno.test("mailboxIdOf() and relayIdOf() are lower-case hex SHA3-256 of a key", () => {
  for (const key of [ALICE.publicKey, BOB.publicKey, new Uint8Array()]) {
    const expected = createHash("sha3-256").update(key).digest("hex");
    assert.equal(mailboxIdOf(key), expected);
    assert.equal(relayIdOf(key), expected);
  }
  assert.notEqual(mailboxIdOf(ALICE.publicKey), mailboxIdOf(BOB.publicKey));
});

Deno.test("messageIdOf() and objectHashOf() are lower-case hex of the hash", () => {
  assert.equal(messageIdOf(HASH), HASH.toHex());
  assert.equal(objectHashOf(HASH), HASH.toHex());
  assert.match(HASH.toHex(), /^[0-9a-f]{64}$/);
});

for (
  const [name, parse, what] of [
    ["parseMailboxId", parseMailboxId, "mailbox id"],
    ["parseObjectHash", parseObjectHash, "object hash"],
  ] as const
) {
  Deno.test(`${name}() gives 64 lower-case hex digits as they are`, () => {
    for (const text of [HASH.toHex(), "0".repeat(64), "f".repeat(64)]) {
      assert.equal(parse(text), text);
    }
  });

  const wrong: Readonly<Record<string, string>> = {
    "nothing": "",
    "63 digits": HASH.toHex().slice(1),
    "65 digits": `${HASH.toHex()}0`,
    "capitals": HASH.toHex().toUpperCase(),
    "0x": `0x${HASH.toHex().slice(2)}`,
    "a space": ` ${HASH.toHex().slice(1)}`,
    "a line end": `${HASH.toHex()}\n`,
    "a letter that is no digit": `g${HASH.toHex().slice(1)}`,
    "other digits": "٠".repeat(64),
    "a path": "../".repeat(22).slice(0, 64),
    "a megabyte": "0".repeat(2 ** 20),
  };
  for (const [form, text] of Object.entries(wrong)) {
    Deno.test(`${name}() refuses ${form} as malformed`, () => {
      assertProblem(
        () => parse(text),
        "malformed",
        new RegExp(
          `^an? ${what} is 64 lower-case hex digits, not ".{0,80}"$`,
          "s",
        ),
      );
    });
  }
}
