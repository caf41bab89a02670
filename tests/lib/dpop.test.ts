/** DPoP proofs (RFC 9449): one request, one token, one key, and only now. */
import assert from "node:assert/strict";
import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from "jose";
import {
  PROOF_WINDOW,
  type ProofExpectation,
  verifyProof,
} from "../../lib/dpop.ts";
import { assertRejected } from "./problems.ts";
import { base64url, GARBAGE, jws, unsigned } from "./tokens.ts";

const NOW = 1_790_000_000_000;
const SECONDS = NOW / 1_000;
const HTU = "https://relay.example/v1/mailboxes/abc/messages";
const TOKEN = "the.access.token";

/** A client's key pair, and what names it. */
interface ClientKey {
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
  readonly privateJwk: JWK;
  readonly jkt: string;
}

async function clientKey(
  alg: string,
  algorithm: EcKeyGenParams | RsaHashedKeyGenParams | "Ed25519",
): Promise<ClientKey> {
  const pair = await crypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  const jwk = await exportJWK(pair.publicKey);
  return {
    alg,
    privateKey: pair.privateKey,
    jwk,
    privateJwk: await exportJWK(pair.privateKey),
    jkt: await calculateJwkThumbprint(jwk),
  };
}

const CLIENT = await clientKey("ES256", { name: "ECDSA", namedCurve: "P-256" });
const THIEF = await clientKey("ES256", { name: "ECDSA", namedCurve: "P-256" });
const EDWARDS = await clientKey("EdDSA", "Ed25519");
const RSA = await clientKey("PS256", {
  name: "RSA-PSS",
  modulusLength: 2_048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: "SHA-256",
});

const EXPECTED: ProofExpectation = {
  method: "GET",
  urls: [HTU],
  token: TOKEN,
  jkt: CLIENT.jkt,
  now: NOW,
};

const CLAIMS = {
  jti: "one",
  htm: "GET",
  htu: HTU,
  iat: SECONDS,
  ath: await athOf(TOKEN),
};

async function athOf(token: string): Promise<string> {
  const bytes = new TextEncoder().encode(token);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return base64url(new Uint8Array(digest));
}

async function prove(
  claims: object = {},
  header: object = {},
  key = CLIENT,
): Promise<string> {
  return await new SignJWT({ ...CLAIMS, ...claims })
    .setProtectedHeader({
      alg: key.alg,
      typ: "dpop+jwt",
      jwk: key.jwk,
      ...header,
    })
    .sign(key.privateKey);
}

async function assertUnproven(
  proof: string,
  expected: Partial<ProofExpectation> = {},
): Promise<void> {
  const verified = verifyProof(proof, { ...EXPECTED, ...expected });
  await assertRejected(verified, "unauthorized");
}

Deno.test("verifyProof() gives the id of a right proof, with its key's", async () => {
  assert.equal(
    await verifyProof(await prove(), EXPECTED),
    `${CLIENT.jkt}.one`,
  );
  const other = await prove({ jti: "two" });
  assert.equal(await verifyProof(other, EXPECTED), `${CLIENT.jkt}.two`);
});

Deno.test("verifyProof() takes EdDSA, Ed25519 and ES256", async () => {
  const expected = { ...EXPECTED, jkt: EDWARDS.jkt };
  for (const alg of ["EdDSA", "Ed25519"]) {
    const proof = await prove({}, { alg }, EDWARDS);
    assert.equal(await verifyProof(proof, expected), `${EDWARDS.jkt}.one`);
  }
  assert.ok(await verifyProof(await prove(), EXPECTED));
});

Deno.test("verifyProof() takes any of the request's URLs, without its query", async () => {
  const urls = ["http://127.0.0.1:8000/v1/x", HTU];
  for (
    const htu of [...urls, `${HTU}?after=1`, `${HTU}#part`, `${HTU}?a#b?c`]
  ) {
    assert.ok(await verifyProof(await prove({ htu }), { ...EXPECTED, urls }));
  }
});

const TIMES: readonly (readonly [
  what: string,
  offset: number,
  isFresh: boolean,
])[] = [
  ["now", 0, true],
  ["at the end of the window", -PROOF_WINDOW, true],
  ["a second older than the window", -PROOF_WINDOW - 1, false],
  ["twice as old as the window", -2 * PROOF_WINDOW, false],
  ["an hour old", -3_600, false],
  ["as far ahead as the window", PROOF_WINDOW, true],
  ["a second further ahead", PROOF_WINDOW + 1, false],
  ["an hour ahead", 3_600, false],
  ["of 1970", -SECONDS, false],
];

for (const [what, offset, isFresh] of TIMES) {
  Deno.test(`verifyProof() ${isFresh ? "takes" : "refuses"} a proof made ${what}`, async () => {
    const proof = await prove({ iat: SECONDS + offset });
    if (isFresh) assert.ok(await verifyProof(proof, EXPECTED));
    else await assertUnproven(proof);
  });
}

Deno.test("verifyProof() takes a jti of up to 200 characters", async () => {
  const jti = "x".repeat(200);
  const proof = await prove({ jti });
  assert.equal(await verifyProof(proof, EXPECTED), `${CLIENT.jkt}.${jti}`);
});

Deno.test("verifyProof() refuses as unauthorized: another request or token", async (t) => {
  const cases: Readonly<Record<string, Partial<typeof CLAIMS>>> = {
    "another method": { htm: "POST" },
    "the method in lower case": { htm: "get" },
    "the path in another case": {
      htu: HTU.replace(/[^/]+$/, (name) => name.toUpperCase()),
    },
    "another path": { htu: `${HTU}/1` },
    "a path cut": { htu: HTU.slice(0, -1) },
    "another host": { htu: HTU.replace("relay", "other") },
    "another scheme": { htu: HTU.replace("https", "http") },
    "a URL behind a query": { htu: `https://evil.example/?${HTU}` },
    "no URL": { htu: "" },
    "another token": { ath: await athOf("another") },
    "no token": { ath: "" },
    "the token itself": { ath: TOKEN },
    "an empty jti": { jti: "" },
    "a huge jti": { jti: "x".repeat(201) },
    "a jti of a megabyte": { jti: "x".repeat(2 ** 20) },
  };
  for (const [what, claims] of Object.entries(cases)) {
    await t.step(what, async () => assertUnproven(await prove(claims)));
  }
  for (const claim of Object.keys(CLAIMS)) {
    await t.step(`no ${claim}`, async () => {
      await assertUnproven(await prove({ [claim]: undefined }));
    });
    const listed = [CLAIMS[claim as keyof typeof CLAIMS]];
    for (const value of [null, 7.5e300, {}, listed, true]) {
      await t.step(`${claim} ${JSON.stringify(value)}`, async () => {
        const { privateKey, jwk, alg } = CLIENT;
        const payload = { ...CLAIMS, [claim]: value };
        const header = { alg, typ: "dpop+jwt", jwk };
        await assertUnproven(await jws(header, payload, privateKey));
      });
    }
  }
});

Deno.test("verifyProof() refuses as unauthorized: another key or form", async (t) => {
  const right = await prove();
  const [header = "", payload = "", signature = ""] = right.split(".");
  const secret = new TextEncoder().encode("a secret of thirty-two bytes....");
  const secretJwk: JWK = { kty: "oct", k: base64url(secret) };
  const cases: Readonly<Record<string, string>> = {
    "another key's": await prove({}, {}, THIEF),
    "the token's key named, another's signature": await prove(
      {},
      { jwk: CLIENT.jwk },
      THIEF,
    ),
    "the private key in the header": await prove(
      {},
      { jwk: CLIENT.privateJwk },
    ),
    "no key": await prove({}, { jwk: undefined }),
    "a key that is text": await prove({}, { jwk: "key" }),
    "a key that is empty": await prove({}, { jwk: {} }),
    "a key that is null": await prove({}, { jwk: null }),
    "half a key": await prove({}, { jwk: { ...CLIENT.jwk, y: undefined } }),
    "a point off the curve": await prove({}, {
      jwk: { ...CLIENT.jwk, y: CLIENT.jwk.x },
    }),
    "a secret as key": await jws(
      {
        alg: "HS256",
        typ: "dpop+jwt",
        jwk: secretJwk,
      },
      CLAIMS,
      secret,
    ),
    "no typ": await prove({}, { typ: undefined }),
    "typ JWT": await prove({}, { typ: "JWT" }),
    "typ of a token": await prove({}, { typ: "restante-token+jwt" }),
    "alg none": unsigned({ typ: "dpop+jwt", jwk: CLIENT.jwk }, CLAIMS),
    "alg PS256, which is not taken": await prove({}, {}, RSA),
    "no signature": `${header}.${payload}.`,
    "a signature cut": right.slice(0, -4),
    "another proof's signature": `${await prove({ jti: "two" })}`.replace(
      /[^.]*$/,
      signature,
    ),
    "a list": await jws(
      { alg: CLIENT.alg, typ: "dpop+jwt", jwk: CLIENT.jwk },
      [],
      CLIENT.privateKey,
    ),
  };
  for (const [what, proof] of Object.entries(cases)) {
    const isRsa = what.includes("PS256");
    await t.step(what, async () => {
      await assertUnproven(proof, isRsa ? { jkt: RSA.jkt } : {});
    });
  }
  for (const proof of GARBAGE) {
    await t.step(`garbage ${JSON.stringify(proof.slice(0, 40))}`, async () => {
      await assertUnproven(proof);
    });
  }
});

Deno.test("verifyProof() of a right proof fails for another expectation", async () => {
  const proof = await prove();
  for (
    const other of [
      { method: "PUT" },
      { urls: [] },
      { urls: ["https://relay.example/"] },
      { token: "another.access.token" },
      { jkt: THIEF.jkt },
      { jkt: "" },
      { now: NOW + 3_600_000 },
      { now: NOW - 3_600_000 },
    ]
  ) {
    await assertUnproven(proof, other);
  }
});
