/** What the server tells of a request beside the request. */

/** The connection that a request came by. */
export interface Connection {
  /**
   * Says that the connection is a socket from here on, whose descriptor is held
   * until what this gives is called.
   */
  hold(): () => void;
  /**
   * Says that the socket is open, in the turn in which it is: later, it may
   * have been ended with the connection that it was.
   */
  keepSocket(): void;
  /** Cuts it off, whatever is under way. */
  cut(): void;
}

/** What handlers get as their `env`. */
export interface ServeInfo {
  readonly remoteAddr: { readonly hostname: string };
  /** Where the server knows its connections. */
  readonly connection?: Connection;
  /** Ends when the answer was handed on whole, or nobody waits for it. */
  readonly completed?: Promise<void>;
  /** Whether as many requests of the connection were under way as may be. */
  readonly isOneTooMany?: boolean;
  /**
   * Says that the answer is worked on after it was given, until what this gives
   * is called.
   */
  readonly stay?: () => () => void;
  /** Says that a part of the answer was taken. */
  readonly moved?: () => void;
}

/** Answers one request. */
export type Answer = (
  request: Request,
  info: ServeInfo,
) => Response | Promise<Response>;
