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
import { type Form, readAnswer } from "./answer.ts";
import { RelayError } from "./error.ts";
import { HeldToken } from "./held_token.ts";
import type { Relay, RequestOptions } from "./relay.ts";
import { envelopeRequest } from "./upload.ts";

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

type Token = z.infer<typeof tokenForm>;

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
  readonly #bound = new HeldToken<Token>((signal) =>
    this.#handshake(true, signal)
  );
  readonly #bearer = new HeldToken<Token>((signal) =>
    this.#handshake(false, signal)
  );

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

  /**
   * Makes a request that needs a token, once; a token that the relay knows no
   * more is renewed. The path starts with a slash.
   */
  async fetch(path: string, request: RequestInit = {}): Promise<Response> {
    const { token } = await this.#bound.get(request.signal);
    try {
      return await this.#fetchWith(token, path, request);
    } catch (error) {
      const isUnknown = error instanceof RelayError &&
        error.code === "unauthorized";
      if (!isUnknown) throw error;
      this.#bound.drop(token);
    }
    const renewed = await this.#bound.get(request.signal);
    return await this.#fetchWith(renewed.token, path, request);
  }

  /** The same, again if need be, with the answer's form checked. */
  async json<T>(
    path: string,
    form: Form<T>,
    { signal, ...request }: RequestInit = {},
    within?: number,
  ): Promise<T> {
    const url = this.relay.url + path;
    return await this.relay.persist(signal, () =>
      readAnswer(
        form,
        { url, signal, ...(within !== undefined && { within }) },
        (signal) => this.fetch(path, { ...request, signal }),
      ));
  }

  /** Opens the mailbox if it is new; gives whether it was. */
  async open({ signal }: RequestOptions = {}): Promise<{ created: boolean }> {
    const { mailbox } = await this.#bound.get(signal);
    return mailbox;
  }

  /**
   * A token that whoever has it may use: for WebSockets, to which a browser can
   * give no proof.
   */
  async bearerToken({ signal }: RequestOptions = {}): Promise<string> {
    return (await this.#bearer.get(signal)).token;
  }

  /** Forgets a bearer token that did not help: the next one is new. */
  dropBearerToken(token: string): void {
    this.#bearer.drop(token);
  }

  /** A handshake that fails on the way is begun anew: it cannot be repeated. */
  async #handshake(isBound: boolean, signal: AbortSignal): Promise<Token> {
    return await this.relay.persist(
      signal,
      () => this.#shakeHands(isBound, signal),
    );
  }

  async #shakeHands(isBound: boolean, signal: AbortSignal): Promise<Token> {
    const { relay, identity } = this;
    const { handshake, relayKey, challenge, work } = await relay.post(
      "/v1/handshakes",
      {
        publicKey: identity.key.publicKey.toHex(),
      },
      challengeForm,
      { signal },
    );
    const jwk = await exportJWK((await this.#proofKey).publicKey);
    const answer = {
      challenge,
      url: relay.url, // not what an answer says: another relay may be behind it
      scopes: this.#scopes,
      ...(isBound && { jkt: await calculateJwkThumbprint(jwk) }),
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
      signal,
    });
    return await relay.answer(
      `/v1/handshakes/${handshake}`,
      tokenForm,
      envelopeRequest(envelope),
      { signal },
    );
  }

  async #fetchWith(
    token: string,
    path: string,
    request: RequestInit,
  ): Promise<Response> {
    const headers = new Headers(request.headers);
    headers.set("Authorization", `DPoP ${token}`);
    const proof = await this.#proof(request.method ?? "GET", path, token);
    headers.set("DPoP", proof);
    return await this.relay.fetch(path, { ...request, headers });
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
