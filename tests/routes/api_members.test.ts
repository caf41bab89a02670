/** API.md, endpoint by endpoint: names, members, types, headers. */
import { receiptRoot } from "../../lib/object.ts";
import assert from "node:assert/strict";
import { decodeJwt, decodeProtectedHeader } from "jose";
import type { z } from "zod";
import { makeIdentity } from "../../client/identity.ts";
import { blake3_256, sha3_256 } from "../../lib/hash.ts";
import { parseContactAddress } from "../../lib/minima/address.ts";
import { MIN_WORK_TARGET } from "../../lib/minima/constants.ts";
import { parsePublicKey } from "../../lib/seal/public_key.ts";
import { VERSION } from "../../lib/version.ts";
import { assertProblem } from "./assert_problem.ts";
import { openWorld, postJson } from "./contract_world.ts";
import {
  CHALLENGE,
  DESCRIPTOR,
  HEALTH,
  MAILBOX,
  PAGE,
  PROBLEM,
  QUOTE,
  RECEIPT,
  STORED,
  TOKEN,
} from "./forms.ts";
import { shakeHands } from "./handshake_answer.ts";
import { bodyOf, Owner, postEnvelope } from "./owner.ts";
import { ProofKey } from "./proof_key.ts";
import { ORIGIN, TestRelay } from "./relay_fixture.ts";

/** The JSON of an answer, once status, type and form are checked. */
async function formOf<Form extends z.ZodType>(
  response: Response,
  status: number,
  form: Form,
): Promise<z.infer<Form>> {
  assert.equal(response.status, status);
  assert.match(
    response.headers.get("Content-Type") ?? "",
    /^application\/json\b/,
  );
  return form.parse(await response.json());
}

Deno.test("GET /.well-known/restante says who the relay is, and may be cached", async () => {
  using relay = await TestRelay.open();
  const response = await relay.fetch("/.well-known/restante");
  const descriptor = await formOf(response, 200, DESCRIPTOR);
  const { id, url, address, keys, work, limits, time, version } = descriptor;

  const x = Uint8Array.fromBase64(keys.signing.x, { alphabet: "base64url" });
  const spki = Uint8Array.fromHex(`302a300506032b6570032100${x.toHex()}`);
  assert.equal(id, sha3_256(spki).toHex());
  assert.deepEqual([url, version, time], [ORIGIN, VERSION, relay.clock.time]);
  const contact = parseContactAddress(address);
  assert.deepEqual([contact.host, contact.port], ["relay.test", 443]);
  assert.equal(contact.publicKey.toHex(), keys.maxima);
  const rsa = parsePublicKey(Uint8Array.fromHex(keys.maxima));
  assert.ok(rsa.kind === "rsa" && rsa.bits >= 2_048);
  assert.equal(BigInt(`0x${work.minimum}`), MIN_WORK_TARGET);
  assert.equal(limits.objectBytes, 7 + 262_144 + 65_536);

  assert.match(response.headers.get("Cache-Control") ?? "", /max-age=\d+/);
  relay.clock.advance(1_000);
  const again = await relay.fetch("/.well-known/restante");
  assert.equal(again.headers.get("ETag"), response.headers.get("ETag"));
  assert.equal((await again.json()).time, relay.clock.time);
});

Deno.test("GET /health says that relay and store answer", async () => {
  using relay = await TestRelay.open();
  const health = await formOf(await relay.fetch("/health"), 200, HEALTH);
  assert.equal(health.version, VERSION);
  assert.equal(health.deno, Deno.version.deno);
});

Deno.test("POST /v1/messages answers with what was stored, where it is, and a receipt", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const envelope = owner.envelope({ size: 1_500, hashes: 11_000 });
  const object = blake3_256(envelope).toHex();
  const response = await postEnvelope(relay, envelope);
  assert.equal(response.headers.get("Location"), `/v1/objects/${object}`);
  assert.equal(response.headers.get("ETag"), `"${object}"`);
  const { id, cursor, receipt, ...stored } = await formOf(
    response,
    201,
    STORED,
  );
  const now = relay.clock.time;
  const seconds = Math.floor(11_000 * 4_096 * 86_400 / (10_000 * 1_500));
  assert.deepEqual(stored, {
    object,
    mailbox: owner.mailbox,
    size: 1_500,
    storedAt: now,
    holdUntil: now + 1_000 * seconds,
    paid: { by: "work", hashes: 11_000 },
    block: false,
  });
  const { signing } = relay.relay.keys;
  assert.deepEqual(RECEIPT.parse(decodeJwt(receipt)), {
    iss: signing.relayId,
    sub: owner.mailbox,
    jti: id,
    object,
    root: receiptRoot(envelope),
    size: 1_500,
    cursor,
    iat: Math.floor(now / 1_000),
    exp: Math.floor(stored.holdUntil / 1_000),
    paid: stored.paid,
  });
  assert.equal(decodeProtectedHeader(receipt).alg, "EdDSA");

  const again = await formOf(
    await postEnvelope(relay, envelope),
    200,
    STORED,
  );
  assert.deepEqual(again, { id, cursor, receipt, ...stored });
});

Deno.test("POST /v1/messages takes an envelope as application/octet-stream too, with parameters", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  for (
    const type of [
      "application/octet-stream",
      "Application/VND.minima.maxtxpow; charset=x",
    ]
  ) {
    const response = await relay.fetch(
      "/v1/messages?minBandwidth=9600&priority=lazy&hold=7200",
      {
        method: "POST",
        headers: { "Content-Type": type },
        body: owner.envelope(),
      },
    );
    const { holdUntil, storedAt } = await formOf(response, 201, STORED);
    assert.equal(holdUntil - storedAt, 7_200_000);
  }
  const { messages } = await owner.read();
  assert.deepEqual(messages.map(({ minBandwidth }) => minBandwidth), [
    9_600,
    9_600,
  ]);
});

Deno.test("POST /v1/quotes tells the work and the fee", async () => {
  using relay = await TestRelay.open();
  const { mailbox } = await Owner.open(relay);
  for (const question of [{}, { mailbox }]) {
    const response = await postJson(relay, "/v1/quotes", {
      bytes: 40_960,
      seconds: 172_800,
      ...question,
    });
    const { work, fee, expires } = await formOf(response, 200, QUOTE);
    assert.equal(work.hashes, 200_000);
    assert.equal(
      BigInt(`0x${work.target}`),
      (2n ** 256n - 1n) / BigInt(work.hashes),
    );
    // 89 × 465 bytes begun, and 48 h of 40,960/2^20 MiB, rounded up.
    assert.deepEqual(fee, { amount: 5 * 89 + 94, unit: "μ" });
    assert.ok(expires > relay.clock.time);
  }
});

Deno.test("the handshake's two calls answer as API.md says", async () => {
  using relay = await TestRelay.open();
  const { key, mailbox } = await makeIdentity(1024);
  const publicKey = key.publicKey.toHex();
  const response = await postJson(relay, "/v1/handshakes", { publicKey });
  const { relayKey, address, work, expires } = await formOf(
    response,
    201,
    CHALLENGE,
  );
  assert.equal(relayKey, relay.relay.keys.maxima.publicKey.toHex());
  assert.equal(parseContactAddress(address).publicKey.toHex(), relayKey);
  // It opens a mailbox: as much as 1 KiB for 30 days.
  assert.equal(work.hashes, 75_000);
  assert.ok(expires > relay.clock.time);

  const { jkt } = await ProofKey.make();
  for (const bound of [true, false]) {
    const token = TOKEN.parse(
      await shakeHands(relay, key, {
        scopes: ["name", "read"],
        ...(bound && { jkt }),
      }),
    );
    assert.equal(token.tokenType, bound ? "DPoP" : "Bearer");
    assert.deepEqual(token.mailbox, { id: mailbox, created: bound });
    assert.deepEqual(token.scopes.toSorted(), ["name", "read"]);
    assert.ok(token.expires > relay.clock.time);
  }
});

Deno.test("GET /v1/mailboxes/<id> gives the owner's key", async () => {
  using relay = await TestRelay.open();
  const { mailbox, publicKey } = await Owner.open(relay);
  const response = await relay.fetch(`/v1/mailboxes/${mailbox}`);
  const answer = await formOf(response, 200, MAILBOX);
  assert.equal(answer.id, mailbox);
  assert.equal(answer.publicKey, publicKey.toHex());
  assert.deepEqual(answer.names, []);
});

Deno.test("reading, acknowledging and deleting answer as API.md says", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const path = `/v1/mailboxes/${owner.mailbox}/messages`;
  const envelope = owner.envelope();
  const { id, object, cursor } = await owner.receive(envelope);
  const listed = await formOf(await owner.fetch(path), 200, PAGE);
  const [message] = listed.messages;
  assert.ok(message);
  assert.deepEqual(
    [message.id, message.object, message.cursor, message.size],
    [id, object, cursor, envelope.length],
  );
  assert.deepEqual(bodyOf(message), envelope);
  assert.deepEqual(
    [listed.next, listed.more, listed.reset],
    [cursor, false, false],
  );

  assert.equal((await owner.acknowledge(cursor, "phone")).status, 200);
  const deleted = await owner.delete(cursor);
  assert.deepEqual([deleted.status, await deleted.text()], [204, ""]);
});

Deno.test("GET and HEAD of an object give bytes that never change", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const envelope = owner.envelope();
  const { object } = await owner.receive(envelope);
  for (const method of ["GET", "HEAD"]) {
    const response = await owner.fetch(`/v1/objects/${object}`, { method });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("ETag"), `"${object}"`);
    assert.equal(response.headers.get("Accept-Ranges"), "bytes");
    assert.equal(
      response.headers.get("Content-Length"),
      String(envelope.length),
    );
    assert.equal(
      response.headers.get("Content-Type"),
      "application/vnd.minima.maxtxpow",
    );
    const cache = response.headers.get("Cache-Control") ?? "";
    assert.match(cache, /\bprivate\b/);
    assert.match(cache, /\bimmutable\b/);
    assert.deepEqual(
      await response.bytes(),
      method === "GET" ? envelope : new Uint8Array(),
    );
  }
});

Deno.test("what a token is asked for is never kept by a shared cache", async () => {
  using relay = await TestRelay.open();
  const world = await openWorld(relay);
  const { owner } = world;
  const { key } = await makeIdentity(1024);
  const path = `/v1/mailboxes/${owner.mailbox}/messages`;
  const answers = [
    await owner.fetch(path),
    await postJson(relay, "/v1/handshakes", {
      publicKey: key.publicKey.toHex(),
    }),
    await relay.fetch("/health"),
  ];
  for (const { headers } of answers) {
    assert.equal(headers.get("Cache-Control"), "no-store");
  }
});

Deno.test("every refusal has the members of a problem document", async () => {
  using relay = await TestRelay.open();
  const response = await relay.fetch("/v1/mailboxes/0");
  const problem = PROBLEM.parse(await response.json());
  assert.deepEqual(
    [problem.status, problem.code, problem.type],
    [400, "malformed", `${ORIGIN}/problems/malformed`],
  );
});

Deno.test("a busy relay says when to try again", async () => {
  using relay = await TestRelay.open();
  const { broken } = await openWorld(relay);
  const response = await broken.fetch("/health");
  assert.equal(response.headers.get("Retry-After"), "2");
  assert.ok(!("retryAfter" in await assertProblem(relay, response, "busy")));
});
