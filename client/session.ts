/** A session: the proof that a mailbox is ours, renewed as it ends. */
import { calculateJwkThumbprint, exportJWK, SignJWT } from "jose";
import { z } from "zod";
import { tokenHash } from "../lib/dpop.ts";
import { HANDSHAKE_APPLICATION } from "../lib/handshake.ts";
import { parsePublicKey } from "../lib/seal/public_key.ts";
import { seal } from "../lib/seal/maxima.ts";
import type { Scope } from "../lib/token.ts";
import { mineEnvelope } from "./envelope.ts";
import type { Identity } from "./identity.ts";
import { envelopeRequest, type Relay } from "./relay.ts";

const challengeForm = z.looseObject({
  handshake: z.string().regex(/^[\w-]+$/),
  relayKey: z.string().refine(isRsaKey),
  challenge: z.string(),
  work: z.looseObject({ target: z.string().regex(/^[0-9a-f]+$/) }),
});

const tokenForm = z.looseObject({
  token: z.string(),
  expires: z.number(),
  mailbox: z.looseObject({ id: z.string(), created: z.boolean() }),
});

/** Whether a text is the hex of a key that the answer can be sealed to. */
function isRsaKey(text: string): boolean {
  try {
    return parsePublicKey(Uint8Array.fromHex(text)).kind === "rsa";
  } catch {
    return false;
  }
}

/** A token is renewed when it has less than this left, in milliseconds. */
const RENEW_BEFORE = 60_000;

/** An owner's way to one mailbox. */
export class Session {
  /** The relay that keeps the mailbox. */
  readonly relay: Relay;
  /** Whose mailbox it is. */
  readonly identity: Identity;
  readonly #scopes: readonly Scope[];
  /** The key that tokens are bound to; it never leaves this process. */
  readonly #proofKey = crypto.subtle.generateKey("Ed25519", false, [
    "sign",
    "verify",
  ]) as Promise<CryptoKeyPair>;
  /** The present token, or the handshake that is to give it. */
  #token: Promise<z.infer<typeof tokenForm>> | null = null;

  /** Nothing is asked of the relay before the first request. */
  constructor(
    relay: Relay,
    identity: Identity,
    scopes: readonly Scope[] = ["read", "ack"],
  ) {
    this.relay = relay;
    this.identity = identity;
    this.#scopes = scopes;
  }

  /** Makes a request that needs a token. The path starts with a slash. */
  async fetch(path: string, request: RequestInit = {}): Promise<Response> {
    const { token } = await this.#validToken();
    const headers = new Headers(request.headers);
    headers.set("Authorization", `DPoP ${token}`);
    headers.set(
      "DPoP",
      await this.#proof(request.method ?? "GET", path, token),
    );
    return await this.relay.fetch(path, { ...request, headers });
  }

  /** Opens the mailbox if it is new; gives whether it was. */
  async open(): Promise<{ created: boolean }> {
    return (await this.#validToken()).mailbox;
  }

  async #validToken(): Promise<z.infer<typeof tokenForm>> {
    const before = this.#token;
    const held = await before;
    if (held !== null && held.expires - RENEW_BEFORE > Date.now()) return held;
    // Of several requests that find it ended, the first renews it for all.
    if (this.#token === before) {
      this.#token = this.#handshake();
      this.#token.catch(() => this.#token = null);
      return await this.#token;
    }
    return await this.#validToken();
  }

  async #handshake(): Promise<z.infer<typeof tokenForm>> {
    const { relay, identity } = this;
    const { handshake, relayKey, challenge, work } = await relay.post(
      "/v1/handshakes",
      {
        publicKey: identity.key.publicKey.toHex(),
      },
      challengeForm,
    );
    const jwk = await exportJWK((await this.#proofKey).publicKey);
    const answer = {
      challenge,
      scopes: this.#scopes,
      jkt: await calculateJwkThumbprint(jwk),
    };
    const sealed = await seal({
      to: Uint8Array.fromHex(relayKey),
      from: identity.key,
      application: HANDSHAKE_APPLICATION,
      data: new TextEncoder().encode(JSON.stringify(answer)),
      time: Date.now(),
    });
    const envelope = await mineEnvelope(sealed, {
      target: BigInt(`0x${work.target}`),
    });
    return await relay.json(
      `/v1/handshakes/${handshake}`,
      tokenForm,
      envelopeRequest(envelope),
    );
  }

  /** A proof for one request (RFC 9449, section 4.2). */
  async #proof(method: string, path: string, token: string): Promise<string> {
    const { privateKey, publicKey } = await this.#proofKey;
    return await new SignJWT({
      htm: method,
      htu: this.relay.url + path.replace(/[?#].*$/, ""),
      ath: await tokenHash(token),
    })
      .setProtectedHeader({
        alg: "EdDSA",
        typ: "dpop+jwt",
        jwk: await exportJWK(publicKey),
      })
      .setJti(crypto.randomUUID())
      .setIssuedAt()
      .sign(privateKey);
  }
}
