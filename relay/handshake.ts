/**
 * The handshake without HTTP: a challenge, and a grant for the one who answers
 * it. What is cheap to check is checked first: anybody may ask, and an answer is
 * to cost the relay less than it cost to make.
 */
import { completeHandshake, findMailbox } from "../kv/mail/mailboxes.ts";
import { type Bytes, sameBytes } from "../lib/bytes.ts";
import {
  type Challenge,
  type HandshakeClaim,
  type HandshakeTerms,
  makeChallenge,
  readAnswer,
  readHandshakeId,
} from "../lib/handshake.ts";
import { mailboxIdOf, type MessageId } from "../lib/ids.ts";
import type { MaximaPackage } from "../lib/minima/maxima.ts";
import { decodeMaxTxPow, type EnvelopeLimits } from "../lib/minima/maxtxpow.ts";
import { Problem } from "../lib/problem.ts";
import {
  isSigned,
  OpenError,
  readUnsigned,
  unseal,
} from "../lib/seal/maxima.ts";
import { parsePublicKey } from "../lib/seal/public_key.ts";
import { type Clock, systemClock } from "../lib/timers.ts";
import { type IssuedToken, issueToken, type Scope } from "../lib/token.ts";
import { checkTime, checkWork, type WorkWindow } from "../lib/work/check.ts";
import type { Fills } from "../lib/work/price.ts";
import { targetOf } from "../lib/work/target.ts";
import { HandshakePrice } from "./handshake_price.ts";
import type { Relay } from "./relay.ts";
import { shownTo } from "./room.ts";
import { SeenLog } from "./seen_log.ts";

/** An answer holds a signature, two keys and a line of JSON: some 3 KiB. */
export const ANSWER_LIMITS: EnvelopeLimits = {
  packageBytes: 16_384,
  txPowBytes: 16_384,
};

/** Signatures by larger keys take longer to check. */
export const MAX_SIGNER_BITS = 4_096;

/**
 * Failures are answered at the next multiple of this many milliseconds since
 * all of the answer had arrived, so that how far it got does not show in its
 * time: what is done by then takes a small part of it.
 */
export const FAILURE_TICK = 100;

/**
 * How far from the relay's clock the work of an answer may lie: it is for now,
 * so that what is remembered of answers need not be remembered for long.
 */
const ANSWER_WINDOW: WorkWindow = { back: 10 * 60_000, ahead: 10 * 60_000 };

/** What a right answer is given. */
export interface Granted extends IssuedToken {
  /** How the token is to be sent. */
  readonly tokenType: "DPoP" | "Bearer";
  /** What it allows. */
  readonly scopes: readonly Scope[];
  /** The mailbox, and whether this opened it. */
  readonly mailbox: { readonly id: string; readonly created: boolean };
}

/** How handshakes are run. */
export interface HandshakeOptions {
  /** How full the relay is; looked up, if not given. */
  readonly fills?: () => Promise<Fills>;
  /** Failures wait by it for the tick. */
  readonly clock?: Pick<Clock, "monotonic" | "sleep">;
}

/** What came of handshakes since the worker started. */
export interface HandshakeCounts {
  /** Challenges given out. */
  readonly asked: number;
  /** Answers that got a token. */
  readonly answered: number;
  /** Answers that failed, whatever the reason. */
  readonly failed: number;
  /** Of all answers, those that took the relay's private key. */
  readonly opened: number;
}

/** An answer whose work is enough. */
interface PaidAnswer {
  readonly id: string;
  readonly terms: HandshakeTerms;
  readonly package: MaximaPackage;
  readonly messageId: MessageId;
  /** The target that its work met. */
  readonly target: bigint;
}

/** Gives out the challenges of a relay, and takes the answers. */
export class Handshakes {
  readonly #relay: Relay;
  readonly #secret: CryptoKey;
  readonly #fills: () => Promise<Fills>;
  readonly #clock: Pick<Clock, "monotonic" | "sleep">;
  readonly #price: HandshakePrice;
  // Work is paid for every attempt: the same message is not opened twice.
  readonly #attempts = new SeenLog(ANSWER_WINDOW.back + ANSWER_WINDOW.ahead);
  readonly #counts = { asked: 0, answered: 0, failed: 0, opened: 0 };

  private constructor(
    relay: Relay,
    secret: CryptoKey,
    { fills, clock = systemClock }: HandshakeOptions,
  ) {
    this.#relay = relay;
    this.#secret = secret;
    this.#fills = fills ?? (async () => (await shownTo(relay, null)).fills);
    this.#clock = clock;
    this.#price = new HandshakePrice(relay.handshakeRate, relay.price);
  }

  /** Derives the secret that challenges are made with. */
  static async open(
    relay: Relay,
    options: HandshakeOptions = {},
  ): Promise<Handshakes> {
    const secret = await relay.keys.signing.secret("handshake challenge");
    return new Handshakes(relay, secret, options);
  }

  /** What came of them. */
  get counts(): HandshakeCounts {
    return { ...this.#counts };
  }

  /**
   * A challenge for a key. Nothing is stored.
   *
   * @throws {Problem} `malformed` if it is no key, or too large a one to sign
   * with; `busy`
   */
  async ask(publicKey: Bytes): Promise<Challenge> {
    const key = parsePublicKey(publicKey);
    if (key.kind === "rsa" && key.bits > MAX_SIGNER_BITS) {
      throw new Problem(
        "malformed",
        `a key of ${key.bits} bits; ${MAX_SIGNER_BITS} may sign a handshake`,
      );
    }
    const { store, now } = this.#relay;
    const mailbox = await findMailbox(store, mailboxIdOf(publicKey));
    const fills = mailbox === null ? await this.#fills() : undefined;
    const time = now();
    const hashes = mailbox === null
      ? this.#price.forNewcomer(time, fills)
      : this.#price.forOwner(time);
    this.#counts.asked++;
    return await makeChallenge(this.#secret, { publicKey, hashes, now: time });
  }

  /**
   * A token for the answer to a challenge.
   *
   * @throws {Problem} `handshake-failed` at the next tick, whatever was wrong;
   * `busy`
   */
  async answer(id: string, body: Bytes): Promise<Granted> {
    const arrived = this.#clock.monotonic();
    const granted = await this.#grant(id, body);
    if (granted !== null) {
      this.#counts.answered++;
      return granted;
    }
    this.#counts.failed++;
    const passed = this.#clock.monotonic() - arrived;
    await this.#clock.sleep(FAILURE_TICK - passed % FAILURE_TICK);
    throw new Problem("handshake-failed", "the handshake failed");
  }

  /** Every way to fail looks the same from here on: null. */
  async #grant(id: string, body: Bytes): Promise<Granted | null> {
    const now = this.#relay.now();
    const terms = await readHandshakeId(this.#secret, id);
    if (terms === null || terms.expires <= now) return null;
    const answer = this.#readWork(id, terms, body, now);
    if (answer === null) return null;
    if (!this.#attempts.note(answer.messageId, now)) return null;
    try {
      const proven = await this.#prove(answer, now);
      return proven && await this.#complete(answer, proven, now);
    } catch (error) {
      if (error instanceof OpenError) return null;
      // The relay could not: the same bytes may come again.
      this.#attempts.forget(answer.messageId);
      throw error;
    }
  }

  /** What can be checked with hashes alone. */
  #readWork(
    id: string,
    terms: HandshakeTerms,
    body: Bytes,
    now: number,
  ): PaidAnswer | null {
    try {
      const unit = decodeMaxTxPow(body, ANSWER_LIMITS);
      if (!sameBytes(unit.package.to, this.#relay.keys.maxima.publicKey)) {
        return null;
      }
      const { messageId, target } = checkWork(unit);
      checkTime(unit.txPow.header, now, ANSWER_WINDOW);
      const least = this.#price.least(terms.hashes, now);
      if (target > targetOf(least)) return null;
      return { id, terms, package: unit.package, messageId, target };
    } catch (error) {
      if (error instanceof Problem) return null;
      throw error;
    }
  }

  /**
   * Who answered, and what for. The private key first, for the challenge is
   * sealed; the signature last, for the challenge tells whether it is worth it.
   *
   * @throws {OpenError}
   */
  async #prove(
    { id, package: sealed }: PaidAnswer,
    now: number,
  ): Promise<HandshakeClaim & { readonly publicKey: Bytes } | null> {
    const { keys, unwrapper, origins } = this.#relay;
    const internal = await unseal(sealed, {
      unwrap: (wrapped) => {
        this.#price.note(now);
        this.#counts.opened++;
        return unwrapper.unwrap(wrapped);
      },
    });
    const message = readUnsigned(internal);
    const claim = await readAnswer(message, {
      secret: this.#secret,
      id,
      relayKey: keys.maxima.publicKey,
      origins,
    });
    if (claim === null || !await isSigned(internal)) return null;
    return { ...claim, publicKey: message.from };
  }

  async #complete(
    { id, terms: { expires }, target }: PaidAnswer,
    { publicKey, scopes, jkt }: HandshakeClaim & { readonly publicKey: Bytes },
    now: number,
  ): Promise<Granted | null> {
    const { store, keys } = this.#relay;
    const opened = await completeHandshake(store, {
      id,
      expires,
      publicKey,
      mayCreate: target <= targetOf(this.#price.opening),
    }, now);
    if (opened === null) return null;
    const mailbox = mailboxIdOf(publicKey);
    const grant = { mailbox, scopes, jkt };
    return {
      ...await issueToken(keys.signing, grant, now),
      tokenType: jkt === null ? "Bearer" : "DPoP",
      scopes,
      mailbox: { id: mailbox, created: opened.created },
    };
  }
}
