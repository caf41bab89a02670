/** Tokens that are remembered: each until it ends, and only so many. */
import assert from "node:assert/strict";
import { mailboxIdOf } from "../../lib/ids.ts";
import { issueToken } from "../../lib/token.ts";
import { VerifiedTokens } from "../../relay/verified_tokens.ts";
import { assertRejected } from "../lib/problems.ts";
import { RELAY } from "../lib/tokens.ts";

const NOW = 1_790_000_000_500;
const MOST = 3;

async function issueOne() {
  const mailbox = mailboxIdOf(new Uint8Array([1]));
  const grant = { mailbox, scopes: ["read" as const], jkt: null };
  return await issueToken(RELAY, grant, NOW);
}

Deno.test("VerifiedTokens verifies a token once", async () => {
  const tokens = new VerifiedTokens(RELAY);
  const { token } = await issueOne();
  const first = await tokens.verify(token, NOW);
  assert.equal(first.mailbox, mailboxIdOf(new Uint8Array([1])));
  assert.equal(await tokens.verify(token, NOW + 1), first);
  assert.equal(tokens.size, 1);
});

Deno.test("VerifiedTokens refuses a remembered token when it has ended", async () => {
  const tokens = new VerifiedTokens(RELAY);
  const { token, expires } = await issueOne();
  const first = await tokens.verify(token, NOW);
  assert.equal(await tokens.verify(token, expires - 1), first);
  await assertRejected(tokens.verify(token, expires), "unauthorized");
  assert.equal(tokens.size, 0);
});

Deno.test("VerifiedTokens takes no token for one that it remembers of another signature", async () => {
  const tokens = new VerifiedTokens(RELAY);
  const { token } = await issueOne();
  const { token: other } = await issueOne();
  await tokens.verify(token, NOW);
  const [header, payload] = token.split(".");
  const forged = `${header}.${payload}.${other.split(".")[2]}`;
  await assertRejected(tokens.verify(forged, NOW), "unauthorized");
  await assertRejected(tokens.verify(forged, NOW), "unauthorized");
  assert.equal(tokens.size, 1);
});

Deno.test("VerifiedTokens remembers so many, and forgets the oldest first", async () => {
  const tokens = new VerifiedTokens(RELAY, MOST);
  const issued = await Promise.all(Array.from({ length: MOST + 1 }, issueOne));
  const grants = [];
  for (const { token } of issued) grants.push(await tokens.verify(token, NOW));
  assert.equal(tokens.size, MOST);
  for (const [i, { token }] of [...issued.entries()].slice(1)) {
    assert.equal(await tokens.verify(token, NOW), grants[i]);
  }
  const [oldest] = issued;
  assert.notEqual(await tokens.verify(oldest?.token ?? "", NOW), grants[0]);
  assert.equal(tokens.size, MOST);
});
