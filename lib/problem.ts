/**
 * Everything that can go wrong for a caller, in one union. Each code is an
 * RFC 9457 problem type with a page of its own at `/problems/<code>`.
 */

/** What a code means, for the problem document and its page. */
interface ProblemType {
  /** The HTTP status. */
  status: number;
  /** One line, the same at every occurrence. */
  title: string;
  /** What happened. */
  what: string;
  /** What the caller can do about it. */
  remedy: string;
}

/** The problem types, by code. */
export const PROBLEMS = {
  "malformed": {
    status: 400,
    title: "The request is not of the form that was asked for",
    what: "Some bytes, a parameter or a cursor could not be read, or an " +
      "envelope was not in its canonical form.",
    remedy: "The detail says what and where. Envelopes must encode back to " +
      "the same bytes, with nothing behind them.",
  },
  "unauthorized": {
    status: 401,
    title: "A valid token of this relay is needed",
    what:
      "No token came with the request, or not one that this relay signed, " +
      "that is in force, and that is proven to be the caller's.",
    remedy: "Get a token by the handshake. A token bound to a key (DPoP) " +
      "needs a fresh proof with every request.",
  },
  "handshake-failed": {
    status: 401,
    title: "The handshake failed",
    what: "The message did not prove possession of the mailbox key. The " +
      "relay does not say which check it failed.",
    remedy: "Ask for a new challenge and answer it once, in time, with a " +
      "mined Maxima message to the relay's key, signed by the mailbox key.",
  },
  "forbidden": {
    status: 403,
    title: "The token does not allow this",
    what: "The token is valid, but for another mailbox or other scopes.",
    remedy: "Ask for a token for this mailbox and with the scope that the " +
      "detail names.",
  },
  "not-found": {
    status: 404,
    title: "There is nothing at this address",
    what: "The path is not one of this relay's.",
    remedy: "See /docs for what there is.",
  },
  "name-unknown": {
    status: 404,
    title: "There is no such name here",
    what: "No mailbox of this relay's network has the name.",
    remedy: "Check how it is spelled, and which relay it is said to be at.",
  },
  "mailbox-unknown": {
    status: 404,
    title: "There is no such mailbox here",
    what: "Nobody has proven the recipient's key to this relay yet.",
    remedy: "The owner creates the mailbox by the first handshake. Check " +
      "that the address names this relay.",
  },
  "object-unknown": {
    status: 404,
    title: "There is no such object in your mailbox",
    what: "The object was never stored here, its hold has ended, it was " +
      "deleted, or it lies in another mailbox.",
    remedy: "Objects are listed with the messages of a mailbox.",
  },
  "method-not-allowed": {
    status: 405,
    title: "This address has no such method",
    what: "There is something here, but it cannot be asked for in this way.",
    remedy: "Allow tells the methods that there are.",
  },
  "too-large": {
    status: 413,
    title: "The message is too large",
    what: "The body, the package in it or its TxPoW is over the limit.",
    remedy: "The limits are in /.well-known/restante.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "This media type is not taken here",
    what: "The Content-Type is not one that the operation reads.",
    remedy: "Envelopes are application/vnd.minima.maxtxpow or " +
      "application/octet-stream, everything else is application/json.",
  },
  "range-not-satisfiable": {
    status: 416,
    title: "The range is outside the object",
    what: "The first byte asked for is behind the last one.",
    remedy: "Content-Range tells the object's size.",
  },
  "wrong-hash": {
    status: 422,
    title: "The work was not done for this message",
    what: "The custom hash is not the hash of the package, or the body hash " +
      "not that of the TxPoW's body.",
    remedy: "Send package, header and body as they were mined.",
  },
  "work-insufficient": {
    status: 428,
    title: "More work is needed",
    what: "The TxPoW does not meet the target it commits to, or that target " +
      "is too easy for a message of this size and hold.",
    remedy: "Mine again for the target in this answer, or ask for a quote.",
  },
  "work-stale": {
    status: 428,
    title: "The work is not of now",
    what: "The time in the TxPoW header is outside the relay's window.",
    remedy: "Set the clock and mine again; the window is in " +
      "/.well-known/restante.",
  },
  "rate-limited": {
    status: 429,
    title: "Too many requests",
    what: "More was asked for than one address or one token may ask for in " +
      "this time, or more readers stay than may.",
    remedy: "Wait for Retry-After seconds. RateLimit-Policy tells how many " +
      "requests there are in how many seconds, RateLimit how many are left.",
  },
  "mailbox-full": {
    status: 507,
    title: "The mailbox is full",
    what: "The mailbox holds as much as it may. Nothing that was paid for is " +
      "deleted to make room.",
    remedy: "Try again when its owner has read, or some holds have ended.",
  },
  "relay-full": {
    status: 507,
    title: "The relay is full",
    what: "All mailboxes together hold as much as the relay may.",
    remedy: "Try again later, or another of the recipient's relays.",
  },
  "internal": {
    status: 500,
    title: "The relay failed",
    what: "Something went wrong that is not the caller's doing.",
    remedy: "Try again; a message sent twice is stored and charged once.",
  },
  "busy": {
    status: 503,
    title: "The relay cannot answer now",
    what: "The store could not be read or written just now, or the relay is " +
      "about to stop. Whether a message was stored is not known.",
    remedy: "Send the same bytes again after Retry-After seconds; a message " +
      "sent twice is stored and charged once.",
  },
} as const satisfies Record<string, ProblemType>;

/** The name of a problem type. */
export type ProblemCode = keyof typeof PROBLEMS;

/** From this status on a failure is not the caller's, and its stack is looked at. */
const OWN_FAILURES = 500;

/**
 * All of an Error but its stack, which the platform walks for each that it makes
 * itself, however many frames it is told to keep.
 */
class WithoutStack {}
Object.setPrototypeOf(WithoutStack.prototype, Error.prototype);

/**
 * A failure with a stable code for the caller. Only those that are the relay's
 * own have a stack: a refusal is an answer like others, and comes as often as
 * anybody likes.
 */
export class Problem extends (WithoutStack as { new (): Error }) {
  /** The class, for logs. */
  override name = "Problem";
  /** What was wrong this time, for people. */
  override readonly message: string;
  /** What it came of, if that is known. */
  declare readonly cause?: unknown;
  /** Where it was made, if it is the relay's own failure. */
  declare readonly stack?: string;
  /** Which problem it is; stable. */
  readonly code: ProblemCode;
  /** Further members of the problem document. */
  readonly members: Readonly<Record<string, unknown>>;

  /** The detail says what was wrong this time, for people. */
  constructor(
    code: ProblemCode,
    detail: string,
    members: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super();
    this.message = detail;
    this.code = code;
    this.members = members;
    if (options !== undefined) this.cause = options.cause;
    if (this.status < OWN_FAILURES) return;
    const { stack } = new Error(detail);
    if (stack !== undefined) this.stack = stack.replace(/^Error/, this.name);
  }

  /** The HTTP status of the code. */
  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

/** Whether a text names a problem type. */
export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text);
}
