/** Envelopes of genuine nodes, posted: each is taken or refused by the rule. */
import assert from "node:assert/strict";
import { importIdentity } from "../../client/identity.ts";
import type { ProblemCode } from "../../lib/problem.ts";
import { testVectorsOfKinds, type Vector, vectors } from "../vectors/mod.ts";
import { assertProblem } from "./assert_problem.ts";
import { shakeHands } from "./handshake_answer.ts";
import { bodyOf, Owner, postEnvelope } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";
import { assertUnchanged } from "./unchanged.ts";

/** What the vectors say of an envelope that decodes. */
interface Decoded {
  readonly parsed: true;
  readonly bytesRead: number;
  readonly version: string;
  readonly package: {
    readonly version: string;
    readonly to: string;
    readonly packageHash: string;
  };
  readonly txpow: {
    readonly txpowid: string;
    readonly chainId: string;
    readonly hasBody: boolean;
    readonly txnDifficulty?: string;
  };
  readonly checks: {
    readonly customHashMatches: boolean;
    readonly packageWithin262144: boolean;
    readonly idBelowMinimumWork: boolean;
    readonly bodyHashMatchesHeader: boolean | null;
  };
}

interface EnvelopeVector extends Vector {
  readonly raw: string;
}

const MINIMUM = (2n ** 256n - 1n) / 10_000n;

/** Public keys whose mailboxes are open, as the vectors write them. */
const KEYS = Object.values(vectors("maxima").keys ?? {});
const OPEN = new Set(
  KEYS.map(({ publicKey }) => `0x${publicKey.toUpperCase()}`),
);

/** The refusal of an envelope by the order of spec/maxima.md 8.2; null: none. */
async function refusalOf(
  vector: EnvelopeVector & ({ readonly parsed: false } | Decoded),
): Promise<ProblemCode | null> {
  const bytes = vector.raw.length / 2;
  if (!vector.parsed) return "malformed";
  const { checks, package: { version, to }, txpow } = vector;
  // 1. Sizes and form.
  if (!checks.packageWithin262144) return "too-large";
  if (vector.bytesRead < bytes) return "malformed";
  // 2. Versions, key, chain.
  if (vector.version !== "1.0" || version !== "1.0") return "malformed";
  if (!await isRsaKey(to) || txpow.chainId !== "0x00") return "malformed";
  // 3. The commitment.
  if (!checks.customHashMatches) return "wrong-hash";
  // 4. The minimum.
  if (!checks.idBelowMinimumWork) return "work-insufficient";
  // 5. Body and target.
  if (!txpow.hasBody) return "work-insufficient";
  if (!checks.bodyHashMatchesHeader) return "wrong-hash";
  const target = BigInt(txpow.txnDifficulty ?? "");
  if (target > MINIMUM || BigInt(txpow.txpowid) >= target) {
    return "work-insufficient";
  }
  // Then the mailbox, then the price of an hour.
  if (!OPEN.has(to)) return "mailbox-unknown";
  const seconds = (2n ** 256n - 1n) * 4_096n * 86_400n /
    (target * 10_000n * BigInt(bytes));
  return seconds < 3_600n ? "work-insufficient" : null;
}

/** By the platform's own reader; an RSA key is over 100 bytes. */
async function isRsaKey(to: string): Promise<boolean> {
  const spki = Uint8Array.fromHex(to.slice(2));
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  return await crypto.subtle.importKey("spki", spki, algorithm, true, [
    "verify",
  ]).then(() => true, () => false);
}

/** A relay that takes work of any time, with a mailbox for every key. */
async function openRelay(): Promise<TestRelay> {
  const relay = await TestRelay.open({
    doorbells: { isHearing: false },
    window: { back: 1e15, ahead: 1e15 },
  });
  for (const { privateKey, publicKey } of KEYS) {
    const { key } = await importIdentity(new TextEncoder().encode(privateKey));
    assert.equal(key.publicKey.toHex(), publicKey);
    const { mailbox } = await shakeHands(relay, key);
    assert.equal(mailbox.created, true);
  }
  return relay;
}

let opened: TestRelay;
const posted = new Map<string, string>();

Deno.test.beforeAll(async () => {
  opened = await openRelay();
});
Deno.test.afterAll(() => opened[Symbol.dispose]());

testVectorsOfKinds<{
  maxtxpow: EnvelopeVector & ({ readonly parsed: false } | Decoded);
}>("maxima", {
  async maxtxpow(vector) {
    const code = await refusalOf(vector);
    const envelope = Uint8Array.fromHex(vector.raw);
    if (code !== null) {
      await assertUnchanged(opened, async () => {
        const response = await postEnvelope(opened, envelope);
        await assertProblem(opened, response, code);
      });
      return;
    }
    assert.ok(vector.parsed);
    const { to, packageHash } = vector.package;
    const response = await postEnvelope(opened, envelope);
    const text = await response.text();
    const known = posted.get(vector.raw);
    assert.equal(response.status, known === undefined ? 201 : 200, text);
    if (known !== undefined) return assert.equal(text, known);
    posted.set(vector.raw, text);
    const { id, cursor } = JSON.parse(text);
    assert.equal(id, packageHash.slice(2).toLowerCase());

    const owner = await Owner.open(opened, Uint8Array.fromHex(to.slice(2)));
    const { messages } = await owner.read();
    const message = messages.find((listed) => listed.cursor === cursor);
    assert.ok(message);
    assert.deepEqual(bodyOf(message), envelope);
  },
});
