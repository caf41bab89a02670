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
  makeIdentity,
  parseIdentity,
} from "./identity.ts";
export {
  acknowledge,
  type Letter,
  readAll,
  readPage,
  type ReceivedMessage,
  type ReceivedPage,
} from "./read.ts";
export {
  type Descriptor,
  type Quote,
  Relay,
  type StoredMessage,
} from "./relay.ts";
export { send, type SendOptions } from "./send.ts";
export { Session } from "./session.ts";
export { type Receipt, ReceiptError, verifyReceipt } from "../lib/receipt.ts";
export type { MiningProgress } from "../lib/work/mine.ts";
