/** Tokens whose signatures held: a reader brings the same one with each poll. */
import type { SigningKey } from "../lib/signing_key.ts";
import { type VerifiedGrant, verifyToken } from "../lib/token.ts";

/** Tokens that are remembered: each takes some 800 bytes. */
const MOST_TOKENS = 4_096;

/** Verifies the tokens of one key, each once while it is remembered. */
export class VerifiedTokens {
  readonly #key: SigningKey;
  readonly #most: number;
  /** By the whole text, which the signature is a part of. */
  readonly #known = new Map<string, VerifiedGrant>();

  /** Remembers so many. */
  constructor(key: SigningKey, most: number = MOST_TOKENS) {
    this.#key = key;
    this.#most = most;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * What a token grants at `now` (Unix milliseconds).
   *
   * @throws {Problem} `unauthorized`
   */
  async verify(token: string, now: number): Promise<VerifiedGrant> {
    const known = this.#known.get(token);
    if (known !== undefined && now < known.expires) return known;
    this.#known.delete(token);
    const grant = await verifyToken(this.#key, token, now);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < this.#most) break;
      this.#known.delete(oldest);
    }
    this.#known.set(token, grant);
    return grant;
  }
}
