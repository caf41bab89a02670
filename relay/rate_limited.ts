/** A refusal for asking too often, with what RateLimit header fields say. */
import { Problem } from "../lib/problem.ts";

/** A quota that is used up (draft-ietf-httpapi-ratelimit-headers). */
export interface UsedQuota {
  /** The policy's name; plain ASCII. */
  readonly name: string;
  /** What the policy allows, in requests or readers. */
  readonly quota: number;
  /** Seconds that the quota is for; null if it is for one time. */
  readonly window: number | null;
  /** Seconds until it is worth while to ask again. */
  readonly seconds: number;
}

/** Problem `rate-limited`. */
export class RateLimited extends Problem {
  readonly #used: UsedQuota;

  /** The detail is for people. */
  constructor(detail: string, used: UsedQuota) {
    super("rate-limited", detail, { retryAfter: used.seconds });
    this.#used = used;
  }

  /** The fields that go with it, as structured fields (RFC 9651). */
  get headers(): Readonly<Record<string, string>> {
    const { name, quota, window, seconds } = this.#used;
    return {
      "RateLimit": `"${name}";r=0;t=${seconds}`,
      "RateLimit-Policy": `"${name}";q=${quota}${
        window === null ? "" : `;w=${window}`
      }`,
    };
  }
}
