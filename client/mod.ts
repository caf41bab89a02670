/**
 * The client of restante: identities, addresses, sending, reading, receipts.
 *
 * @module
 */
export { addressAt, parseRecipient, type Recipient } from "./address.ts";
export { MAX_HASHES } from "./envelope.ts";
export { ClientError, type ClientErrorCode, RelayError } from "./error.ts";
export {
  type Identity,
  identityText,
  importIdentity,
  lockedIdentityText,
  makeIdentity,
  parseIdentity,
} from "./identity.ts";
export { type ResolveOptions, resolveRecipient } from "./names.ts";
export type { Letter, OpenOptions, ReceivedMessage } from "./letter.ts";
export type { ListOptions } from "./listing.ts";
export {
  acknowledge,
  fetchMessage,
  readAll,
  type ReadAllOptions,
  type ReadOptions,
  readPage,
  type ReceivedPage,
} from "./read.ts";
export {
  type Descriptor,
  type PostOptions,
  type Quote,
  Relay,
  type RelayOptions,
  type RequestOptions,
  type StoredMessage,
} from "./relay.ts";
export type { Transport } from "./transports.ts";
export { watch, type WatchEvent, type WatchOptions } from "./watch.ts";
export { send, type SendOptions } from "./send.ts";
export { type Credentials, Session } from "./session.ts";
export type { Clock } from "../lib/timers.ts";
export { type Receipt, ReceiptError, verifyReceipt } from "../lib/receipt.ts";
export type { MiningProgress } from "../lib/work/mine.ts";
export { MinerPool, type MinerPoolOptions } from "../lib/work/pool.ts";
