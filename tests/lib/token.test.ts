/** Access tokens: what they grant, until when, and which are none. */
import assert from "node:assert/strict";
import { mailboxIdOf } from "../../lib/ids.ts";
import { signReceipt } from "../../lib/receipt.ts";
import {
  type Grant,
  issueToken,
  SCOPES,
  TOKEN_LIFETIME,
  verifyToken,
} from "../../lib/token.ts";
import { assertRejected } from "./problems.ts";
import { seededRandom } from "./randomness.ts";
import {
  base64url,
  GARBAGE,
  jws,
  OTHER_RELAY,
  parts,
  RELAY,
  signedByHand,
  unsigned,
} from "./tokens.ts";

const NOW = 1_790_000_000_500;
const GRANT: Grant = {
  mailbox: mailboxIdOf(new Uint8Array([1])),
  scopes: ["read", "ack"],
  jkt: "j".repeat(43),
};
const HEADER = { alg: "EdDSA", typ: "restante-token+jwt", kid: RELAY.relayId };

/** The payload of a right token, for some members to be changed. */
const CLAIMS = {
  scope: "read ack",
  cnf: { jkt: GRANT.jkt },
  iss: RELAY.relayId,
  aud: RELAY.relayId,
  sub: GRANT.mailbox,
  jti: "00".repeat(16),
  iat: 1_790_000_000,
  exp: 1_790_000_900,
};

async function assertUnauthorized(token: string, now = NOW): Promise<void> {
  await assertRejected(verifyToken(RELAY, token, now), "unauthorized");
}

Deno.test("verifyToken() gives what issueToken() granted", async () => {
  const grants: readonly Grant[] = [
    GRANT,
    { ...GRANT, jkt: null },
    { ...GRANT, scopes: SCOPES },
    { ...GRANT, scopes: [] },
  ];
  for (const grant of grants) {
    const { token } = await issueToken(RELAY, grant, NOW);
    const { expires: _, id: __, ...granted } = await verifyToken(
      RELAY,
      token,
      NOW,
    );
    assert.deepEqual(granted, grant);
  }
});

Deno.test("issueToken() says when it ends: a quarter of an hour on", async () => {
  assert.equal(TOKEN_LIFETIME, 900_000);
  const { token, expires } = await issueToken(RELAY, GRANT, NOW);
  assert.equal(expires, 1_790_000_900_000);
  const granted = await verifyToken(RELAY, token, expires - 1);
  const { jti: id } = parts(token)[1];
  assert.deepEqual(granted, { ...GRANT, id, expires });
  await assertUnauthorized(token, expires);
  await assertUnauthorized(token, expires + 1);
  await assertUnauthorized(token, expires + 10 ** 10);
});

Deno.test("issueToken() has the claims of RFC 9068, and a jti of its own", async () => {
  const random = seededRandom("jti");
  const { token } = await issueToken(RELAY, GRANT, NOW, random);
  const [header, payload] = parts(token);
  assert.deepEqual(header, HEADER);
  assert.deepEqual(payload, {
    ...CLAIMS,
    jti: seededRandom("jti")(16).toHex(),
  });
  const other = await issueToken(RELAY, GRANT, NOW, random);
  assert.notEqual(other.token, token);
  const { token: bearer } = await issueToken(
    RELAY,
    { ...GRANT, jkt: null },
    NOW,
  );
  assert.equal("cnf" in parts(bearer)[1], false);
});

Deno.test("verifyToken() takes the claims that the other tests change", async () => {
  const token = await jws(HEADER, CLAIMS);
  const { expires: _, id: __, ...granted } = await verifyToken(
    RELAY,
    token,
    NOW,
  );
  assert.deepEqual(granted, GRANT);
});

Deno.test("verifyToken() takes no notice of scopes that it does not know", async () => {
  const scope = "admin read  constructor read ack READ";
  const token = await jws(HEADER, { ...CLAIMS, scope });
  const { scopes } = await verifyToken(RELAY, token, NOW);
  assert.deepEqual(scopes, ["read", "ack"]);
});

Deno.test("verifyToken() refuses as unauthorized", async (t) => {
  const { token } = await issueToken(RELAY, GRANT, NOW);
  const [header = "", payload = "", signature = ""] = token.split(".");
  const { token: foreign } = await issueToken(OTHER_RELAY, GRANT, NOW);
  const more = base64url(JSON.stringify({ ...CLAIMS, scope: "read settings" }));
  const raw = Uint8Array.fromBase64(RELAY.jwk.x, { alphabet: "base64url" });
  const spki = new Uint8Array(
    await crypto.subtle.exportKey("spki", RELAY.publicKey),
  );
  const hs256 = { alg: "HS256", typ: "restante-token+jwt" };
  const changed = (members: object) => jws(HEADER, { ...CLAIMS, ...members });
  const cases: Readonly<Record<string, string>> = {
    "another relay's": foreign,
    "one signed by another key": await jws(
      HEADER,
      CLAIMS,
      OTHER_RELAY.privateKey,
    ),
    "another issuer": await changed({ iss: OTHER_RELAY.relayId }),
    "another audience": await changed({ aud: OTHER_RELAY.relayId }),
    "a changed payload": `${header}.${more}.${signature}`,
    "no signature": `${header}.${payload}.`,
    "a signature cut": token.slice(0, -4),
    "alg none": unsigned(HEADER, CLAIMS),
    "alg none with a signature": unsigned(HEADER, CLAIMS) + signature,
    "HS256 with the raw public key": await jws(hs256, CLAIMS, raw),
    "HS256 with the public key as DER": await jws(hs256, CLAIMS, spki),
    "HS256 with the public key as text": await jws(
      hs256,
      CLAIMS,
      new TextEncoder().encode(RELAY.jwk.x),
    ),
    "a receipt": await signReceipt(RELAY, {
      ...CLAIMS,
      object: "" as never,
      jti: "" as never,
      cursor: "" as never,
      size: 1,
      paid: { by: "work", hashes: 1 },
    }),
    "the typ of a receipt": await jws(
      { ...HEADER, typ: "restante-receipt+jwt" },
      CLAIMS,
    ),
    "the typ of a proof": await jws({ ...HEADER, typ: "dpop+jwt" }, CLAIMS),
    "no typ": await jws({ alg: "EdDSA" }, CLAIMS),
    "a critical header that nobody knows": await signedByHand(
      { ...HEADER, crit: ["moon"], moon: "full" },
      CLAIMS,
    ),
    "an exp that is text": await changed({ exp: "1790000900" }),
    "an exp of now": await changed({ exp: 1_790_000_000 }),
    "an nbf to come": await changed({ nbf: 1_790_000_001 }),
    "no JSON": await jws(HEADER, "so much for JSON"),
    "a list": await jws(HEADER, []),
    "null": await jws(HEADER, null),
  };
  for (const [what, bad] of Object.entries(cases)) {
    await t.step(what, () => assertUnauthorized(bad));
  }
  for (const claim of Object.keys(CLAIMS)) {
    if (claim === "cnf") continue;
    await t.step(`no ${claim}`, async () => {
      await assertUnauthorized(await changed({ [claim]: undefined }));
    });
  }
  for (const bad of GARBAGE) {
    await t.step(`garbage ${JSON.stringify(bad.slice(0, 40))}`, async () => {
      await assertUnauthorized(bad);
    });
  }
});

Deno.test("verifyToken() refuses a subject that is no mailbox as unauthorized", async () => {
  for (const sub of ["", "alice", GRANT.mailbox.toUpperCase(), 7]) {
    await assertUnauthorized(await jws(HEADER, { ...CLAIMS, sub }));
  }
});
