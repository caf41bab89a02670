/** An app as somebody writes it who knows the package alone: the main job. */
import assert from "node:assert/strict";
import {
  acknowledge,
  ClientError,
  lockedIdentityText,
  makeIdentity,
  parseIdentity,
  parseRecipient,
  readPage,
  Relay,
  RelayError,
  send,
  Session,
  verifyReceipt,
  watch,
} from "@restante/restante";

const relay = new Relay(process.argv[2]);
const [alice, bob] = [await makeIdentity(), await makeIdentity(1_024)];
const locked = await lockedIdentityText(bob, "secret");
assert.equal((await parseIdentity(locked, "secret")).mailbox, bob.mailbox);

const session = new Session(relay, bob);
assert.equal((await session.open()).created, true);
const write = (text, options = {}) =>
  send({
    relay,
    from: alice,
    to: bob.key.publicKey,
    application: "node",
    data: new TextEncoder().encode(text),
    hold: 3_600,
    ...options,
  });

let uploaded = 0;
const sent = await write("one", { onUpload: (bytes) => (uploaded = bytes) });
assert.ok(uploaded > 1_000);
const receipt = await verifyReceipt(sent.receipt, await relay.verifyingKey());
assert.equal(receipt.jti, sent.id);

const page = await readPage(session, null);
const textOf = ({ letter }) => new TextDecoder().decode(letter.data);
assert.deepEqual(page.messages.map(textOf), ["one"]);
await acknowledge(session, page.next, "node");

await assert.rejects(
  write("dear", { maxHashes: 1 }),
  (error) => error instanceof ClientError && error.code === "price-too-high",
);
await assert.rejects(
  relay.quote(0, 3_600),
  (error) => error instanceof RelayError && error.code === "malformed",
);
assert.throws(
  () => parseRecipient("nobody"),
  (error) => error instanceof ClientError && error.code === "address-invalid",
);

// The relay is started again meanwhile: whoever started this does so.
const transports = [];
const messages = watch(session, {
  onEvent: (event) => {
    if (event.kind === "connected") transports.push(event.transport);
  },
});
const texts = [];
await write("two");
for await (const message of messages) {
  texts.push(textOf(message));
  if (texts.length === 1) {
    console.log("restart");
    write("three").catch((error) => {
      console.error(error);
      process.exit(1);
    });
  }
  if (texts.length === 2) break;
}
assert.deepEqual(texts, ["two", "three"]);
console.log(`done by ${transports.join(", ")}`);
// Nothing is left that would keep the process from ending.
