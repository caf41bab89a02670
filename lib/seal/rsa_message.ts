/** What the pool of RSA workers and its workers say to one another. */
import type { Bytes } from "../bytes.ts";
import type { UnwrappedKey } from "./pkcs1.ts";

/** To a worker, first: the key to use. */
export interface KeyMessage {
  /** PKCS#8 DER. */
  readonly pkcs8: Bytes;
}

/** To a worker: what to unwrap. One at a time. */
export interface WrappedMessage {
  /** A wrapped key. */
  readonly wrapped: Bytes;
}

/** From a worker: it has the key; or what it unwrapped. */
export type WorkerReply =
  | { readonly isReady: true }
  | ({ readonly isReady: false } & UnwrappedKey);
