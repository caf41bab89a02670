/** Who may read a relay's metrics. */
import type { Bytes } from "../lib/bytes.ts";
import { sameBytes } from "../lib/bytes.ts";
import { sha3_256 } from "../lib/hash.ts";

/** Who may: this machine alone, everybody, nobody, or who knows a secret. */
export type MetricsReaders =
  | "loopback"
  | "open"
  | "off"
  | { readonly token: string };

/** Least characters of the secret. */
const MIN_SECRET = 16;

/**
 * Reads `loopback`, `open`, `off` or `token:<secret>`.
 *
 * @throws {TypeError} which does not repeat the text: it may be a secret
 */
export function parseMetricsReaders(text: string): MetricsReaders {
  if (text === "loopback" || text === "open" || text === "off") return text;
  const [, token] = /^token:([\x21-\x7e]+)$/.exec(text) ?? [];
  if (token !== undefined && token.length >= MIN_SECRET) return { token };
  throw new TypeError(
    `the value is not loopback, open, off, or token: and a secret of ${MIN_SECRET} characters or more`,
  );
}

/** Who asks. */
export interface MetricsCaller {
  /** The address at the other end of the connection; null if not known. */
  readonly address: string | null;
  /** The request's own. */
  readonly headers: Headers;
  /** What the request says it was sent to. */
  readonly host: string;
}

/** What is to be done about a caller: `hidden` as if there was nothing. */
export type MetricsVerdict = "shown" | "hidden" | "refused";

/** Whether a caller may read the metrics. */
export function metricsVerdict(
  readers: MetricsReaders,
  caller: MetricsCaller,
): MetricsVerdict {
  if (readers === "open") return "shown";
  if (readers === "off") return "hidden";
  if (readers === "loopback") return isLocal(caller) ? "shown" : "hidden";
  const [, secret] = /^Bearer +(\S+)$/i
    .exec(caller.headers.get("Authorization") ?? "") ?? [];
  if (secret === undefined) return "refused";
  return sameBytes(digest(secret), digest(readers.token)) ? "shown" : "refused";
}

/** Headers of a request that others handed on, or that a page made. */
const STRANGERS = [
  "Forwarded",
  "X-Forwarded-For",
  "X-Real-IP",
  "Via",
  "Origin",
];

/**
 * Whether a request was made on this machine for itself. What a proxy here
 * hands on comes from elsewhere, and so does the request of a page that a
 * browser here shows: of another origin, or by a name that was bent to here.
 */
function isLocal({ address, headers, host }: MetricsCaller): boolean {
  return address !== null && isLoopbackAddress(address) &&
    ["localhost", "127.0.0.1", "[::1]"].includes(host) &&
    !STRANGERS.some((name) => headers.has(name));
}

/** Whether an address is one of this machine's own, that no other reaches. */
export function isLoopbackAddress(address: string): boolean {
  return /^(::ffff:)?127(\.\d{1,3}){3}$/i.test(address) || address === "::1";
}

/** Digests are compared, so that time tells nothing of the secret's length. */
function digest(text: string): Bytes {
  return sha3_256(new TextEncoder().encode(text));
}
