/**
 * What a relay signs: compact JWS (RFC 7515) by its Ed25519 key. One key signs
 * many kinds of word, so each kind has a `typ` of its own, and whoever checks
 * one says which it must be (spec/money.md 1).
 *
 * There is one algorithm and one form: nothing of a header chooses how it is
 * checked, but for the key among those that are the relay's.
 */
import { z } from "zod";
import { base64urlText, parseBase64url } from "./base64url.ts";
import type { Bytes } from "./bytes.ts";
import type { SigningKey, VerifyingKey } from "./signing_key.ts";

/** The `typ` of each kind. */
export const JWS_TYPES = {
  receipt: "restante-receipt+jwt",
  custody: "restante-custody+jwt",
  offer: "restante-offer+jwt",
  voucher: "restante-voucher+jwt",
  audit: "restante-audit+jwt",
  admission: "restante-admission+jwt",
  relay: "restante-relay+jwt",
  entryPoint: "restante-entry-point+jwt",
  announcement: "restante-announcement+jwt",
  token: "restante-token+jwt",
} as const;

/** One of the kinds. */
export type JwsType = typeof JWS_TYPES[keyof typeof JWS_TYPES];

/** Characters of the longest JWS that is looked at. */
export const MAX_JWS_LENGTH = 65_536;
/** Characters of the longest header: those of a relay have some 150. */
const MAX_HEADER_LENGTH = 1_024;
/** Characters of the 64 bytes of a signature. */
const SIGNATURE_LENGTH = 86;

/** A JWS is not what it is said to be. */
export class JwsError extends Error {
  /** The class, for logs. */
  override name = "JwsError";
  /** Stable. */
  readonly code = "jws-invalid";
}

/** What was signed, and by which of the relay's keys. */
export interface VerifiedJws {
  /** An object. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** The key whose id the header names. */
  readonly key: VerifyingKey;
}

/**
 * What is relied on. Members that this version does not know say nothing
 * (RFC 7515, 4), unless they are declared critical.
 */
const headerForm = z.looseObject({
  alg: z.literal("EdDSA"),
  typ: z.string(),
  kid: z.string(),
  crit: z.undefined().optional(),
  b64: z.undefined().optional(),
});
const payloadForm = z.record(z.string(), z.unknown());

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Signs a payload as one kind of word. Ed25519 is deterministic: the same
 * members in the same order give the same text.
 */
export async function signJws(
  key: SigningKey,
  typ: JwsType,
  payload: object,
): Promise<string> {
  const header = { alg: "EdDSA", typ, kid: key.relayId };
  const signed = `${partOf(header)}.${partOf(payload)}`;
  const signature = await key.sign(bytesOf(signed));
  return `${signed}.${base64urlText(signature)}`;
}

/**
 * What one of the keys signed as that kind of word. A key that has ended is
 * taken for what it signed before (`iat`, in Unix seconds).
 *
 * @throws {JwsError}
 */
export async function verifyJws(
  keys: VerifyingKey | readonly VerifyingKey[],
  typ: JwsType,
  jws: string,
): Promise<VerifiedJws> {
  const [header, payload, signature] = partsOf(jws);
  const named = parsed(headerForm, header);
  if (named.typ !== typ) throw new JwsError(`it is not of the type ${typ}`);
  const key = [keys].flat().find(({ relayId }) => relayId === named.kid);
  if (key === undefined) throw new JwsError("it names another key");
  const isSigned = await crypto.subtle.verify(
    "Ed25519",
    key.publicKey,
    bytesFrom(signature),
    bytesOf(`${header}.${payload}`),
  );
  if (!isSigned) throw new JwsError("its signature does not hold");
  const said = parsed(payloadForm, payload);
  if (key.until !== undefined) expectWithin(key.until, said["iat"]);
  return { payload: said, key };
}

/** Three parts of sizes that a relay makes; nothing is decoded before. */
function partsOf(jws: string): [string, string, string] {
  if (jws.length > MAX_JWS_LENGTH) throw new JwsError("it is too long");
  const [header = "", payload, signature, ...more] = jws.split(".", 4);
  if (payload === undefined || signature === undefined || more.length > 0) {
    throw new JwsError("it is not of three parts");
  }
  if (header.length > MAX_HEADER_LENGTH) {
    throw new JwsError("its header is too long");
  }
  if (signature.length !== SIGNATURE_LENGTH) {
    throw new JwsError("its signature is not of 64 bytes");
  }
  return [header, payload, signature];
}

/** A part as JSON of the form. */
function parsed<T>(form: z.ZodType<T>, part: string): T {
  const bytes = bytesFrom(part);
  try {
    return form.parse(JSON.parse(strictUtf8.decode(bytes)));
  } catch (cause) {
    throw new JwsError("its JSON is not what such a JWS has", { cause });
  }
}

function expectWithin(until: number, iat: unknown): void {
  if (typeof iat === "number" && 1_000 * iat <= until) return;
  throw new JwsError("its key had ended when it was signed");
}

function partOf(value: object): string {
  return base64urlText(bytesOf(JSON.stringify(value)));
}

function bytesOf(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function bytesFrom(part: string): Bytes {
  try {
    return parseBase64url(part);
  } catch (cause) {
    throw new JwsError("its parts are not base64url", { cause });
  }
}
