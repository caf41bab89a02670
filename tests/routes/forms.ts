/** The forms of API.md: members may be added to them, and none may go. */
import { z } from "zod";

/** Lower-case hex of so many bytes. */
const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const anyHex = z.string().regex(/^([0-9a-f]{2})+$/);
const base64url = z.string().regex(/^[\w-]+$/);
const jws = z.string().regex(/^[\w-]+\.[\w-]+\.[\w-]+$/);
const count = z.int().min(0);
/** Unix milliseconds of this century. */
const time = z.int().min(1e12).max(1e13);
const contact = z.string().regex(/^Mx[0-9A-Z]+@[^@:]+:\d+$/);
const cursor = z.string().min(1);
const work = z.looseObject({ target: hex(32), hashes: count });

/** `GET /.well-known/restante`. */
export const DESCRIPTOR = z.looseObject({
  id: hex(32),
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  url: z.url(),
  address: contact,
  keys: z.looseObject({
    maxima: anyHex,
    signing: z.looseObject({
      kty: z.literal("OKP"),
      crv: z.literal("Ed25519"),
      x: base64url.length(43),
      kid: z.string(),
    }),
  }),
  work: z.looseObject({
    hash: z.literal("sha3-256"),
    minimum: hex(32),
    hashes: z.literal(10_000),
    bytes: z.literal(4_096),
    seconds: z.literal(86_400),
    windowSeconds: z.literal(86_400),
  }),
  limits: z.looseObject({
    packageBytes: z.literal(262_144),
    txpowBytes: z.literal(65_536),
    objectBytes: count,
    holdSeconds: z.looseObject({
      min: z.literal(3_600),
      max: z.literal(2_592_000),
    }),
  }),
  prices: z.looseObject({
    unit: z.literal("μ"),
    relayPer465Bytes: z.literal(5),
    storagePerMiBHour: z.literal(50),
  }),
  time,
});

/** `GET /health`. */
export const HEALTH = z.looseObject({
  status: z.literal("ok"),
  version: z.string(),
  deno: z.string(),
  store: z.unknown(),
});

/** `POST /v1/messages`. */
export const STORED = z.looseObject({
  id: hex(32),
  object: hex(32),
  mailbox: hex(32),
  cursor,
  size: count,
  storedAt: time,
  holdUntil: time,
  paid: z.looseObject({ by: z.literal("work"), hashes: count }),
  block: z.literal(false),
  receipt: jws,
});

/** The payload of a receipt; its times are Unix seconds. */
export const RECEIPT = z.looseObject({
  iss: hex(32),
  sub: hex(32),
  jti: hex(32),
  object: hex(32),
  size: count,
  cursor,
  iat: z.int().max(1e11),
  exp: z.int().max(1e11),
  paid: z.looseObject({ by: z.literal("work"), hashes: count }),
});

/** `POST /v1/quotes`. */
export const QUOTE = z.looseObject({
  work,
  fee: z.looseObject({ amount: count, unit: z.literal("μ") }),
  expires: time,
});

/** `POST /v1/handshakes`. */
export const CHALLENGE = z.looseObject({
  handshake: z.string().min(1),
  relayKey: anyHex,
  address: contact,
  challenge: hex(32),
  work,
  expires: time,
});

/** `POST /v1/handshakes/<id>`. */
export const TOKEN = z.looseObject({
  token: jws,
  tokenType: z.enum(["DPoP", "Bearer"]),
  expires: time,
  scopes: z.array(z.enum(["read", "ack", "settings", "name"])),
  mailbox: z.looseObject({ id: hex(32), created: z.boolean() }),
});

/** `GET /v1/mailboxes/<id>`. */
export const MAILBOX = z.looseObject({
  id: hex(32),
  publicKey: anyHex,
  names: z.array(z.string()),
  record: z.null(),
});

/** `GET /v1/mailboxes/<id>/messages`. */
export const PAGE = z.looseObject({
  messages: z.array(z.looseObject({
    cursor,
    id: hex(32),
    object: hex(32),
    size: count,
    minBandwidth: count,
    storedAt: time,
    holdUntil: time,
    body: base64url.nullable(),
    expired: z.boolean(),
  })),
  next: cursor,
  more: z.boolean(),
  reset: z.boolean(),
});

/** Every refusal. */
export const PROBLEM = z.looseObject({
  type: z.url(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
});
