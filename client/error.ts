/** Failures of the client, each with a stable code. */
import type { ProblemCode } from "../lib/problem.ts";

/** What can fail on the client's side of the wire. */
export type ClientErrorCode =
  /** A text is not an address, a key or a relay's URL. */
  | "address-invalid"
  /** A relay knows no such name. */
  | "name-unknown"
  /** A file is not an identity. */
  | "identity-invalid"
  /** An identity is locked, and there is no passphrase to open it. */
  | "identity-locked"
  /** A passphrase does not open an identity. */
  | "passphrase-wrong"
  /** A passphrase has no characters. */
  | "passphrase-empty"
  /** The relay could not be reached. */
  | "relay-unreachable"
  /** The message is over the network's limit. */
  | "message-too-large"
  /** The relay asks for more work than the caller is willing to do. */
  | "price-too-high"
  /** What answered does not speak as a relay does. */
  | "relay-nonsense";

/** The client could not do what it was asked to. */
export class ClientError extends Error {
  /** The class, for logs. */
  override name = "ClientError";
  /** Which failure it is. */
  readonly code: ClientErrorCode;

  /** Made where the client finds it. */
  constructor(code: ClientErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }
}

/** A relay refused, and said why in a problem document. */
export class RelayError extends Error {
  /** The class, for logs. */
  override name = "RelayError";
  /** The problem type that the relay named. */
  readonly code: ProblemCode;
  /** The HTTP status. */
  readonly status: number;
  /** All members of the problem document. */
  readonly problem: Readonly<Record<string, unknown>>;
  /**
   * Seconds that it asks to be left alone, in its document or the header
   * `Retry-After`; 0 if it asks nothing of sense. Up to ten minutes.
   */
  readonly retryAfter: number;

  /** Made from the document of an answer, and its `Retry-After`. */
  constructor(
    code: ProblemCode,
    status: number,
    problem: Readonly<Record<string, unknown>>,
    retryAfter: string | null = null,
  ) {
    super(textOf(problem["detail"]) ?? textOf(problem["title"]) ?? code);
    this.code = code;
    this.status = status;
    this.problem = problem;
    this.retryAfter = Math.max(
      secondsOf(problem["retryAfter"]),
      secondsOf(/^\d{1,9}$/.test(retryAfter ?? "") ? Number(retryAfter) : 0),
    );
  }
}

function textOf(member: unknown): string | null {
  return typeof member === "string" ? member : null;
}

function secondsOf(member: unknown): number {
  const seconds = typeof member === "number" ? member : 0;
  return seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER) : 0;
}

/** Seconds: nobody is to be kept away for longer by one answer. */
const MAX_RETRY_AFTER = 600;
