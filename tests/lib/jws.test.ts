/** What a relay signs: one form, one algorithm, a type for each kind of word. */
import assert from "node:assert/strict";
import {
  JWS_TYPES,
  JwsError,
  MAX_JWS_LENGTH,
  signJws,
  verifyJws,
} from "../../lib/jws.ts";
import type { VerifyingKey } from "../../lib/signing_key.ts";
import {
  base64url,
  GARBAGE,
  jws,
  OTHER_RELAY,
  parts,
  RELAY,
  signedByHand,
} from "./tokens.ts";

const TYPE = JWS_TYPES.offer;
const HEADER = { alg: "EdDSA", typ: TYPE, kid: RELAY.relayId };
const PAYLOAD = { iat: 1_790_000_000, said: "ſo" };

async function assertRefused(
  text: string,
  detail: RegExp = /./,
  keys: VerifyingKey | readonly VerifyingKey[] = RELAY,
): Promise<void> {
  await assert.rejects(verifyJws(keys, TYPE, text), (error) => {
    assert.ok(error instanceof JwsError, `${error}`);
    assert.equal(error.code, "jws-invalid");
    assert.equal(error.name, "JwsError");
    assert.match(error.message, detail);
    return true;
  });
}

/** The same text with another header, not signed anew. */
function withHeader(text: string, header: string): string {
  return [header, ...text.split(".").slice(1)].join(".");
}

Deno.test("JWS_TYPES are restante-…+jwt, and no two the same", () => {
  const types = Object.values(JWS_TYPES);
  assert.deepEqual(
    types.map((type) => /^restante-([a-z-]+)\+jwt$/.exec(type)?.[1]),
    [
      "receipt",
      "custody",
      "offer",
      "voucher",
      "audit",
      "admission",
      "relay",
      "entry-point",
      "announcement",
      "token",
    ],
  );
});

Deno.test("verifyJws() gives what signJws() took, and the key", async () => {
  for (const type of Object.values(JWS_TYPES)) {
    const text = await signJws(RELAY, type, PAYLOAD);
    assert.deepEqual(parts(text), [{ ...HEADER, typ: type }, PAYLOAD]);
    for (const keys of [RELAY, [RELAY], [OTHER_RELAY, RELAY]]) {
      const { payload, key } = await verifyJws(keys, type, text);
      assert.deepEqual(payload, PAYLOAD);
      assert.equal(key, RELAY);
    }
  }
});

Deno.test("signJws() makes what another library makes", async () => {
  assert.equal(
    await signJws(RELAY, TYPE, PAYLOAD),
    await jws(HEADER, JSON.stringify(PAYLOAD)),
  );
});

Deno.test("verifyJws() takes no kind of word for another", async () => {
  const types = Object.values(JWS_TYPES);
  for (const signed of types) {
    const text = await signJws(RELAY, signed, PAYLOAD);
    for (const type of types) {
      if (type === signed) continue;
      await assert.rejects(verifyJws(RELAY, type, text), /is not of the type/);
    }
  }
});

const HEADERS: Readonly<Record<string, object>> = {
  "no alg": { typ: TYPE, kid: RELAY.relayId },
  "alg none": { ...HEADER, alg: "none" },
  "alg HS256": { ...HEADER, alg: "HS256" },
  "alg Ed25519": { ...HEADER, alg: "Ed25519" },
  "alg in small letters": { ...HEADER, alg: "eddsa" },
  "alg that is a list": { ...HEADER, alg: ["EdDSA"] },
  "no typ": { alg: "EdDSA", kid: RELAY.relayId },
  "typ JWT": { ...HEADER, typ: "JWT" },
  "typ in capitals": { ...HEADER, typ: TYPE.toUpperCase() },
  "typ with its tree": { ...HEADER, typ: `application/${TYPE}` },
  "typ with a space": { ...HEADER, typ: `${TYPE} ` },
  "no kid": { alg: "EdDSA", typ: TYPE },
  "an empty kid": { ...HEADER, kid: "" },
  "kid of another relay": { ...HEADER, kid: OTHER_RELAY.relayId },
  "kid in capitals": { ...HEADER, kid: RELAY.relayId.toUpperCase() },
  "kid that is a list": { ...HEADER, kid: [RELAY.relayId] },
  "a critical member": { ...HEADER, crit: ["exp"], exp: 1 },
  "an empty crit": { ...HEADER, crit: [] },
  "a crit of null": { ...HEADER, crit: null },
  "an unencoded payload": { ...HEADER, b64: false, crit: ["b64"] },
  "an unencoded payload, not critical": { ...HEADER, b64: false },
  "a list": [HEADER],
};

for (const [what, header] of Object.entries(HEADERS)) {
  Deno.test(`verifyJws() refuses a header that was signed: ${what}`, async () => {
    const text = await signedByHand(header, PAYLOAD);
    await assertRefused(text);
    assert.notEqual(text, await signedByHand(HEADER, PAYLOAD));
  });
}

Deno.test("verifyJws() takes a header in any order, with members that say nothing", async () => {
  const { alg, typ, kid } = HEADER;
  const jwk = OTHER_RELAY.jwk; // never a key to check by
  const text = await signedByHand({ kid, typ, jwk, new: 1, alg }, PAYLOAD);
  assert.deepEqual((await verifyJws(RELAY, TYPE, text)).payload, PAYLOAD);
});

Deno.test("verifyJws() goes by no key that a header brings", async () => {
  const header = { ...HEADER, jwk: OTHER_RELAY.jwk };
  const text = await jws(header, PAYLOAD, OTHER_RELAY.privateKey);
  await assertRefused(text, /signature does not hold/);
});

Deno.test("verifyJws() refuses the name of one key with the signature of another, both the relay's", async () => {
  const keys = [RELAY, { ...OTHER_RELAY, until: 2e12 }];
  const text = await jws(HEADER, PAYLOAD, OTHER_RELAY.privateKey);
  await assertRefused(text, /signature does not hold/, keys);
  const swapped = withHeader(
    await signJws(RELAY, TYPE, PAYLOAD),
    base64url(JSON.stringify({ ...HEADER, kid: OTHER_RELAY.relayId })),
  );
  await assertRefused(swapped, /signature does not hold/, keys);
});

Deno.test("verifyJws() takes a former key's word of before its end alone", async () => {
  const iat = PAYLOAD.iat;
  const table: readonly (readonly [number, unknown, boolean])[] = [
    [1_000 * iat, iat, true],
    [1_000 * iat + 999, iat, true],
    [1_000 * iat - 1, iat, false],
    [1_000 * iat, iat + 1, false],
    [1_000 * iat, iat - 86_400, true],
    [0, 0, true],
    [0, 1, false],
    [1_000 * iat, undefined, false],
    [1_000 * iat, `${iat}`, false],
    [1_000 * iat, null, false],
  ];
  for (const [until, said, isTaken] of table) {
    const text = await signJws(RELAY, TYPE, { iat: said });
    const keys = [OTHER_RELAY, { ...RELAY, until }];
    if (isTaken) await verifyJws(keys, TYPE, text);
    else await assertRefused(text, /key had ended/, keys);
  }
});

Deno.test("verifyJws() with no keys takes nothing", async () => {
  await assertRefused(
    await signJws(RELAY, TYPE, PAYLOAD),
    /names another key/,
    [],
  );
});

// The last character of 64 bytes has four bits that say nothing: the platform's
// reader takes sixteen texts for one signature.
Deno.test("verifyJws() refuses a signature, header or payload whose spare last bits are changed", async () => {
  const alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const signed = await signJws(RELAY, TYPE, PAYLOAD);
  const last = alphabet.indexOf(signed.at(-1) ?? "");
  assert.equal(last % 16, 0);
  for (let spare = 1; spare < 16; spare++) {
    const bad = signed.slice(0, -1) + alphabet[last + spare];
    assert.deepEqual(bytesOfSignature(bad), bytesOfSignature(signed));
    await assertRefused(bad, /not base64url/);
  }
  // Signed in that form, even: it is not one that a relay writes.
  const header = base64url(JSON.stringify(HEADER));
  for (const bad of ["e31", "e30=", "e30 ", " e30"]) {
    await assertRefused(await signedText(`${header}.${bad}`), /not base64url/);
    await assertRefused(await signedText(`${bad}.e30`), /not base64url/);
  }
});

function bytesOfSignature(text: string): Uint8Array {
  return Uint8Array.fromBase64(text.split(".")[2] ?? "", {
    alphabet: "base64url",
  });
}

/** Header and payload as they are written, signed by the relay. */
async function signedText(signed: string): Promise<string> {
  const bytes = new TextEncoder().encode(signed);
  const key = RELAY.privateKey;
  const signature = await crypto.subtle.sign("Ed25519", key, bytes);
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

Deno.test("verifyJws() refuses a payload that is no object in UTF-8, though it is signed", async () => {
  const header = base64url(JSON.stringify(HEADER));
  const payloads: Readonly<Record<string, string | Uint8Array>> = {
    "nothing": "",
    "null": "null",
    "a list": "[]",
    "a number": "7",
    "a text": '"{}"',
    "no JSON": "{",
    "two values": "{}{}",
    "a byte order mark": "\ufeff{}",
    "bad UTF-8": Uint8Array.of(123, 34, 255, 34, 58, 49, 125),
    "10,000 lists in one another": "[".repeat(10_000),
  };
  for (const [what, payload] of Object.entries(payloads)) {
    const text = await signedText(`${header}.${base64url(payload)}`);
    await assertRefused(text, /JSON/).catch((error) => {
      throw new Error(what, { cause: error });
    });
  }
});

Deno.test("verifyJws() refuses what is too long before it is decoded", async () => {
  const room = MAX_JWS_LENGTH -
    (await signJws(RELAY, TYPE, { text: "" })).length;
  const longest = { text: "a".repeat(Math.floor(room / 4) * 3) };
  const text = await signJws(RELAY, TYPE, longest);
  assert.ok(text.length > MAX_JWS_LENGTH - 8 && text.length <= MAX_JWS_LENGTH);
  await verifyJws(RELAY, TYPE, text);
  await assertRefused(
    await signJws(RELAY, TYPE, { text: `${longest.text}aaaaaaa` }),
    /it is too long/,
  );
  await assertRefused(".".repeat(10_000_000), /it is too long/);
  const header = (length: number) =>
    signedByHand({ ...HEADER, pad: "a".repeat(length) }, PAYLOAD);
  const empty = (await header(0)).indexOf(".");
  const fits = await header(Math.floor((1_024 - empty) / 4) * 3);
  assert.ok(fits.indexOf(".") > 1_020 && fits.indexOf(".") <= 1_024);
  await verifyJws(RELAY, TYPE, fits);
  await assertRefused(await header(800), /header is too long/);
});

Deno.test("verifyJws() refuses what is not of three parts, or has no signature of 64 bytes", async () => {
  const text = await signJws(RELAY, TYPE, PAYLOAD);
  const [header, payload, signature] = text.split(".");
  const cases = [
    `${header}.${payload}`,
    `${text}.`,
    `${text}.${signature}`,
    `.${text}`,
    `${header}..${payload}.${signature}`,
  ];
  for (const bad of cases) await assertRefused(bad, /not of three parts/);
  for (
    const bad of ["", signature?.slice(1), `${signature}A`, `${signature}==`]
  ) {
    await assertRefused(`${header}.${payload}.${bad}`, /not of 64 bytes/);
  }
  for (const bad of GARBAGE) await assertRefused(bad);
});
