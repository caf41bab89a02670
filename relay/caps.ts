/** What strangers may use of a relay. Each cap is a setting (config.ts). */

/** The caps of a worker. */
export interface Caps {
  /** Connections open at once. */
  readonly connections: number;
  /** Requests of one connection that are under way, not yet taken whole. */
  readonly connectionRequests: number;
  /** Seconds that a connection may be open without a request. */
  readonly idleSeconds: number;
  /** Readers that stay (events, sockets, long polls), together. */
  readonly streams: number;
  /** The same, of one mailbox. */
  readonly mailboxStreams: number;
  /** The same, under one token. */
  readonly tokenStreams: number;
  /** Bytes that may wait to be taken by one reader, beside one message. */
  readonly streamBytes: number;
  /** Bytes that may wait for all readers together, long answers among them. */
  readonly bufferedBytes: number;
  /** Seconds after which a reader, or an answer's, that takes nothing is dropped. */
  readonly drainSeconds: number;
  /** Bytes of a frame that a reader may send. */
  readonly frameBytes: number;
  /** Bytes of all bodies that are being read. */
  readonly uploadBytes: number;
  /** Seconds that a body may take in all. */
  readonly uploadSeconds: number;
  /** Bytes a second that a body has to come with, once it had time to begin. */
  readonly uploadRate: number;
  /** Bytes of what waits to be stored, keys and counts included. */
  readonly queueBytes: number;
  /** Unpaid requests a minute of one address; 0 for any number. */
  readonly addressRate: number;
  /** Unpaid requests a minute under one token; 0 for any number. */
  readonly tokenRate: number;
}

/** What works for a relay that is not told otherwise. */
export const DEFAULT_CAPS: Caps = {
  connections: 10_000,
  connectionRequests: 100,
  idleSeconds: 60,
  streams: 8_000,
  mailboxStreams: 1_000,
  tokenStreams: 64,
  streamBytes: 2 ** 19,
  bufferedBytes: 2 ** 28,
  drainSeconds: 30,
  frameBytes: 4_096,
  uploadBytes: 2 ** 26,
  uploadSeconds: 120,
  uploadRate: 1_024,
  queueBytes: 2 ** 26,
  addressRate: 6_000,
  tokenRate: 12_000,
};

/** What each cap is, for the settings and for the OpenAPI document. */
export const CAP_NOTES: Readonly<Record<keyof Caps, string>> = {
  connections: "connections that may be open at once",
  connectionRequests:
    "requests of one connection that may be under way at once, until their answers are taken",
  idleSeconds:
    "seconds that a connection may be open without a request; 16 times as long after an answer, which may be on its way yet",
  streams: "readers that may stay at once: events, sockets and long polls",
  mailboxStreams: "readers that may stay with one mailbox",
  tokenStreams: "readers that may stay under one token",
  streamBytes: "bytes that may wait for one reader, beside one message",
  bufferedBytes:
    "bytes that may wait for all readers together, and in answers of over 4 KiB",
  drainSeconds: "seconds after which a reader that takes nothing is dropped",
  frameBytes: "bytes of a frame that a reader may send",
  uploadBytes: "bytes of all bodies that are being read or worked on",
  uploadSeconds: "seconds that a body may take in all",
  uploadRate: "bytes a second that a body has to come with, after 5 seconds",
  queueBytes: "bytes that may wait to be stored",
  addressRate:
    "unpaid requests a minute of one address, or /64 of IPv6; 0 for any number",
  tokenRate: "requests a minute under one token; 0 for any number",
};
