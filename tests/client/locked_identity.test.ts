/** Identities under a passphrase. */
import assert from "node:assert/strict";
import {
  lockedIdentityText,
  makeIdentity,
  parseIdentity,
} from "../../client/mod.ts";
import { assertClientError } from "./assert_client_error.ts";

const IDENTITY = await makeIdentity(1_024);
const TEXT = await lockedIdentityText(IDENTITY, "na\u00efve");

Deno.test("parseIdentity() opens what lockedIdentityText() locked, and nothing is readable without", async () => {
  const opened = await parseIdentity(TEXT, "na\u00efve");
  assert.deepEqual(opened.pkcs8, IDENTITY.pkcs8);
  assert.equal(opened.mailbox, IDENTITY.mailbox);
  assert.ok(!TEXT.includes(IDENTITY.pkcs8.toHex().slice(60, 160)));
  assert.equal(JSON.parse(TEXT).mailbox, IDENTITY.mailbox);
});

Deno.test("a passphrase is the same however its letters are composed", async () => {
  const { mailbox } = await parseIdentity(TEXT, "nai\u0308ve");
  assert.equal(mailbox, IDENTITY.mailbox);
});

Deno.test("parseIdentity() needs the right passphrase, and says so", async () => {
  await assertClientError(parseIdentity(TEXT), "identity-locked");
  await assertClientError(parseIdentity(TEXT, "naive"), "passphrase-wrong");
  await assertClientError(parseIdentity(TEXT, ""), "passphrase-wrong");
  await assertClientError(
    lockedIdentityText(IDENTITY, ""),
    "passphrase-empty",
  );
});

Deno.test("parseIdentity() asks for a passphrase where one is needed, and only there", async () => {
  let asked = 0;
  const ask = () => {
    asked++;
    return Promise.resolve("na\u00efve");
  };
  await parseIdentity(TEXT, ask);
  assert.equal(asked, 1);
  const open = { restante: "identity", suite: "maxima" };
  await parseIdentity(
    JSON.stringify({ ...open, privateKey: IDENTITY.pkcs8.toHex() }),
    ask,
  );
  await assertClientError(parseIdentity("{}", ask), "identity-invalid");
  assert.equal(asked, 1);
  const refusal = new Error("nobody is there to ask");
  await assert.rejects(
    parseIdentity(TEXT, () => Promise.reject(refusal)),
    refusal,
  );
});

Deno.test("a locked identity that was tampered with does not open", async (t) => {
  const { locked, ...about } = JSON.parse(TEXT);
  const flip = (hex: string) => (hex[0] === "0" ? "1" : "0") + hex.slice(1);
  const changed: Record<string, unknown> = {
    "the data": { ...about, locked: { ...locked, data: flip(locked.data) } },
    "the salt": { ...about, locked: { ...locked, salt: flip(locked.salt) } },
    "the nonce": { ...about, locked: { ...locked, nonce: flip(locked.nonce) } },
    "the cost": { ...about, locked: { ...locked, iterations: 1 } },
    "the mailbox": { ...about, mailbox: flip(about.mailbox), locked },
    "no data": { ...about, locked: { ...locked, data: "" } },
  };
  for (const [what, document] of Object.entries(changed)) {
    await t.step(what, async () => {
      await assertClientError(
        parseIdentity(JSON.stringify(document), "na\u00efve"),
        "passphrase-wrong",
      );
    });
  }
});

Deno.test("parseIdentity() refuses a lock that it does not know, or that would cost too much", async (t) => {
  const { locked, ...about } = JSON.parse(TEXT);
  const changes: Record<string, unknown>[] = [
    { kdf: "scrypt" },
    { cipher: "none" },
    { memory: 2 ** 21 },
    { memory: 0 },
    { iterations: 65 },
    { iterations: 0.5 },
    { parallelism: 1_000 },
    { salt: "00" },
    { nonce: "zz" },
    { data: "0" },
    { data: null },
  ];
  for (const change of changes) {
    await t.step(JSON.stringify(change), async () => {
      const text = JSON.stringify({
        ...about,
        locked: { ...locked, ...change },
      });
      const asked = () => assert.fail("nothing is to be asked for");
      await assertClientError(parseIdentity(text, asked), "identity-invalid");
    });
  }
  await assertClientError(
    parseIdentity(TEXT.slice(0, -40), "x"),
    "identity-invalid",
  );
});
