/** A session: the proof that a mailbox is ours, renewed as it ends. */
import { calculateJwkThumbprint, exportJWK, SignJWT } from "jose";
import { z } from "zod";
import { tokenHash } from "../lib/dpop.ts";
import type { Bytes } from "../lib/bytes.ts";
import { HANDSHAKE_APPLICATION } from "../lib/handshake.ts";
import { parsePublicKey } from "../lib/seal/public_key.ts";
import { seal } from "../lib/seal/maxima.ts";
import type { Scope } from "../lib/token.ts";
import { mineEnvelope } from "./envelope.ts";
import type { Identity } from "./identity.ts";
import {
  type AnswerBounds,
  type MakeRequest,
  readAnswer,
  readWhole,
  type WholeAnswer,
} from "./answer.ts";
import { RelayError } from "./error.ts";
import {
  type Form,
  idForm,
  keyForm,
  signedForm,
  targetForm,
  timeForm,
} from "./forms.ts";
import { HeldToken } from "./held_token.ts";
import type { Relay, RequestOptions } from "./relay.ts";
import { envelopeRequest } from "./upload.ts";

const challengeForm = z.object({
  handshake: z.string().max(512).regex(/^[\w-]+$/),
  relayKey: keyForm.refine(isRsaKey),
  challenge: idForm,
  work: z.object({ target: targetForm }),
});

const tokenForm = z.object({
  token: signedForm,
  expires: timeForm,
  mailbox: z.object({ id: idForm, created: z.boolean() }),
});

/** What no handshake costs: a tenth of a second of one core, and some more. */
const MAX_HANDSHAKE_HASHES = 1_000_000;

/** Whether a text is the hex of a key that the answer can be sealed to. */
function isRsaKey(text: string): boolean {
  try {
    return parsePublicKey(Uint8Array.fromHex(text)).kind === "rsa";
  } catch {
    return false;
  }
}

type Token = z.infer<typeof tokenForm>;

/** What shows one request to be the owner's. */
export interface Credentials {
  /** A token, and a proof that we have the key which it is bound to. */
  readonly headers: { readonly Authorization: string; readonly DPoP: string };
  /** Forgets the token, which was refused: the next one is new. */
  readonly drop: () => void;
}

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
  readonly #token: HeldToken<Token>;

  /** Nothing is asked of the relay before the first request. */
  constructor(
    relay: Relay,
    identity: Identity,
    scopes: readonly Scope[] = ["read", "ack"],
  ) {
    this.relay = relay;
    this.identity = identity;
    this.#scopes = scopes;
    this.#token = new HeldToken(
      relay.clock,
      (signal) => this.#handshake(signal),
    );
  }

  /**
   * Makes a request that needs a token, once; a token that the relay knows no
   * more is renewed. The path starts with a slash.
   */
  async fetch(path: string, request: RequestInit = {}): Promise<Response> {
    const { method = "GET", signal } = request;
    const credentials = await this.authorize(method, path, { signal });
    try {
      return await this.#fetchWith(credentials, path, request);
    } catch (error) {
      const isUnknown = error instanceof RelayError &&
        error.code === "unauthorized";
      if (!isUnknown) throw error;
      credentials.drop();
    }
    const renewed = await this.authorize(method, path, { signal });
    return await this.#fetchWith(renewed, path, request);
  }

  /** The same, again if need be, with the answer's form checked. */
  async json<T>(
    path: string,
    form: Form<T>,
    { signal, ...request }: RequestInit = {},
    bounds: AnswerBounds = {},
  ): Promise<T> {
    const { relay } = this;
    const options = { ...bounds, signal, ...this.#about(path) };
    const make: MakeRequest = (signal) =>
      this.fetch(path, { ...request, signal });
    return await relay.persist(signal, () => readAnswer(form, options, make));
  }

  /** Bytes that need a token, as {@link Session.json} asks for JSON. */
  async bytes(
    path: string,
    request: RequestInit = {},
    bounds: AnswerBounds = {},
  ): Promise<Bytes> {
    return (await this.wholeAnswer(path, request, bounds)).body;
  }

  /** The same with their headers, which say what the bytes are. */
  async wholeAnswer(
    path: string,
    { signal, ...request }: RequestInit = {},
    bounds: AnswerBounds = {},
  ): Promise<WholeAnswer> {
    const { relay } = this;
    const options = { ...bounds, signal, ...this.#about(path) };
    const make: MakeRequest = (signal) =>
      this.fetch(path, { ...request, signal });
    return await relay.persist(signal, () => readWhole(options, make));
  }

  /**
   * What shows a request to be the owner's, for one that is not made by
   * {@link Session.fetch}; good for once. A query is not part of the path.
   */
  async authorize(
    method: string,
    path: string,
    { signal }: { readonly signal?: AbortSignal | null | undefined } = {},
  ): Promise<Credentials> {
    const { token } = await this.#token.get(signal);
    const proof = await this.#prove(method, path, token);
    return {
      headers: { Authorization: `DPoP ${token}`, DPoP: proof },
      drop: () => this.#token.drop(token),
    };
  }

  /** Opens the mailbox if it is new; gives whether it was. */
  async open({ signal }: RequestOptions = {}): Promise<{ created: boolean }> {
    const { mailbox } = await this.#token.get(signal);
    return mailbox;
  }

  /**
   * A handshake that fails on the way is begun anew, for its answer cannot be
   * repeated. That may have happened below us: `fetch` itself sends again what
   * was cut off, and the relay has had it. So one refusal is begun anew as well.
   */
  async #handshake(signal: AbortSignal): Promise<Token> {
    const { relay } = this;
    const shake = () => relay.persist(signal, () => this.#shakeHands(signal));
    try {
      return await shake();
    } catch (error) {
      const hasFailed = error instanceof RelayError &&
        error.code === "handshake-failed";
      if (!hasFailed) throw error;
    }
    return await shake();
  }

  async #shakeHands(signal: AbortSignal): Promise<Token> {
    const { relay, identity } = this;
    const { handshake, relayKey, challenge, work } = await relay.post(
      "/v1/handshakes",
      { publicKey: identity.key.publicKey.toHex() },
      challengeForm,
      { signal },
    );
    const jwk = await exportJWK((await this.#proofKey).publicKey);
    const answer = {
      challenge,
      // Whom we talk to, by our own word: nobody else can use the answer.
      url: relay.url,
      scopes: this.#scopes,
      jkt: await calculateJwkThumbprint(jwk),
    };
    const sealed = await seal({
      to: Uint8Array.fromHex(relayKey),
      from: identity.key,
      application: HANDSHAKE_APPLICATION,
      data: new TextEncoder().encode(JSON.stringify(answer)),
      time: relay.clock.now(),
    });
    const target = BigInt(`0x${work.target}`);
    const envelope = await mineEnvelope(
      sealed,
      { target, maxHashes: MAX_HANDSHAKE_HASHES, signal },
      relay.clock.now(),
    );
    return await relay.answer(
      `/v1/handshakes/${handshake}`,
      tokenForm,
      envelopeRequest(envelope),
      { signal },
    );
  }

  #about(path: string) {
    return { url: this.relay.url + path, clock: this.relay.clock };
  }

  async #fetchWith(
    { headers }: Credentials,
    path: string,
    request: RequestInit,
  ): Promise<Response> {
    const all = new Headers(request.headers);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    return await this.relay.fetch(path, { ...request, headers: all });
  }

  /** A proof for one request (RFC 9449, section 4.2). */
  async #prove(method: string, path: string, token: string): Promise<string> {
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
      .setIssuedAt(Math.floor(this.relay.clock.now() / 1_000))
      .sign(privateKey);
  }
}
