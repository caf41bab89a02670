/** One relay, as a client talks to it. */
import { z } from "zod";
import type { Bytes } from "../lib/bytes.ts";
import { importVerifyingKey, type VerifyingKey } from "../lib/signing_key.ts";
import { ClientError, refusalOf } from "./error.ts";

/** What an answer of the relay is checked to be. */
export type Form<T> = z.ZodType<T>;

/** What a client uses of a relay's word on itself. */
export interface Descriptor {
  /** Hex SHA3-256 of the signing key's SPKI. */
  readonly id: string;
  /** The origin that clients use. */
  readonly url: string;
  /** The relay's own contact address. */
  readonly address: string;
  /** Its public keys. */
  readonly keys: {
    /** Hex SPKI, RSA. */
    readonly maxima: string;
    /** The Ed25519 key of its receipts, base64url. */
    readonly signing: { readonly x: string };
  };
}

/** What to mine. */
export interface Quote {
  /** The id must be below it. */
  readonly target: bigint;
  /** Tries it takes on average. */
  readonly hashes: number;
}

/** A relay's answer to a message that it stored. */
export interface StoredMessage {
  /** Message id, hex. */
  readonly id: string;
  /** BLAKE3-256 of the stored bytes, hex. */
  readonly object: string;
  /** The mailbox it is in. */
  readonly mailbox: string;
  /** Where it stands in the mailbox. */
  readonly cursor: string;
  /** Bytes. */
  readonly size: number;
  /** Unix milliseconds. */
  readonly storedAt: number;
  /** Unix milliseconds. */
  readonly holdUntil: number;
  /** What it was paid with. */
  readonly paid: { readonly by: string; readonly hashes: number };
  /** Whether the work mined a block that the relay believes. */
  readonly block: boolean;
  /** A JWS, the same for the same message. */
  readonly receipt: string;
}

const hex: Form<string> = z.string().regex(/^([0-9a-f]{2})+$/);

const descriptorForm: Form<Descriptor> = z.looseObject({
  id: hex,
  url: z.string(),
  address: z.string(),
  keys: z.looseObject({
    maxima: hex,
    signing: z.looseObject({ x: z.string() }),
  }),
});

const quoteForm: Form<{ work: { target: string; hashes: number } }> = z
  .looseObject({ work: z.looseObject({ target: hex, hashes: z.number() }) });

const storedForm: Form<StoredMessage> = z.looseObject({
  id: z.string(),
  object: z.string(),
  mailbox: z.string(),
  cursor: z.string(),
  size: z.number(),
  storedAt: z.number(),
  holdUntil: z.number(),
  paid: z.looseObject({ by: z.string(), hashes: z.number() }),
  block: z.boolean(),
  receipt: z.string(),
});

/** Talks to the relay at a URL. */
export class Relay {
  /** The origin, without a slash at its end. */
  readonly url: string;

  /**
   * Nothing is asked of the relay before the first request.
   *
   * @throws {ClientError} `address-invalid` if the text is no http(s) URL
   */
  constructor(url: string) {
    const parsed = URL.parse(url);
    if (parsed === null || !["http:", "https:"].includes(parsed.protocol)) {
      throw new ClientError(
        "address-invalid",
        `"${url}" is not the URL of a relay`,
      );
    }
    this.url = parsed.origin;
  }

  /** Who the relay is. */
  async descriptor(): Promise<Descriptor> {
    return await this.json("/.well-known/restante", descriptorForm);
  }

  /**
   * The key that signs the relay's receipts, checked to be the one that the
   * relay's id names.
   */
  async verifyingKey(): Promise<VerifyingKey> {
    const { id, keys } = await this.descriptor();
    const key = await importVerifyingKey(keys.signing.x).catch(() => null);
    if (key?.relayId === id) return key;
    throw new ClientError(
      "relay-nonsense",
      `${this.url} has an id that is not its key's`,
    );
  }

  /**
   * What to mine for a message of so many bytes to be held so many seconds; in
   * a mailbox, if one is named, which must be there.
   */
  async quote(
    bytes: number,
    seconds: number,
    mailbox?: string,
  ): Promise<Quote> {
    const { work } = await this.post(
      "/v1/quotes",
      { bytes, seconds, mailbox },
      quoteForm,
    );
    return { target: BigInt(`0x${work.target}`), hashes: work.hashes };
  }

  /** Posts an envelope. The same one again is answered the same. */
  async postMessage(
    envelope: Bytes,
    onUpload?: (sent: number) => void,
  ): Promise<StoredMessage> {
    return await this.json(
      "/v1/messages",
      storedForm,
      envelopeRequest(envelope, onUpload),
    );
  }

  /** Posts a JSON body. */
  async post<T>(path: string, body: unknown, form: Form<T>): Promise<T> {
    return await this.json(path, form, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  /** Makes a request and checks that the answer is of a form. */
  async json<T>(
    path: string,
    form: Form<T>,
    request?: RequestInit,
  ): Promise<T> {
    const response = await this.fetch(path, request);
    const answer = form.safeParse(await response.json().catch(() => null));
    if (answer.success) return answer.data;
    throw new ClientError(
      "relay-nonsense",
      `${this.url}${path} answered what no relay answers`,
    );
  }

  /**
   * Makes a request.
   *
   * @throws {RelayError} if the relay refuses
   * @throws {ClientError} `relay-unreachable` or `relay-nonsense`
   */
  async fetch(path: string, request?: RequestInit): Promise<Response> {
    const response = await fetch(this.url + path, request).catch((cause) => {
      throw new ClientError(
        "relay-unreachable",
        `no relay could be reached at ${this.url}`,
        { cause },
      );
    });
    if (response.ok) return response;
    throw await refusalOf(response);
  }
}

/** Bytes of an upload between two reports of its progress. */
const UPLOAD_PART = 16_384;

/** A request that carries an envelope; told of its progress, it streams. */
export function envelopeRequest(
  envelope: Bytes,
  onUpload?: (sent: number) => void,
): RequestInit {
  const headers = { "Content-Type": "application/vnd.minima.maxtxpow" };
  if (onUpload === undefined) {
    return { method: "POST", headers, body: envelope };
  }
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const part = envelope.subarray(sent, sent + UPLOAD_PART);
      sent += part.length;
      if (part.length > 0) controller.enqueue(part);
      else controller.close();
      onUpload(sent);
    },
  });
  // A streamed body has to say that it does not wait for the answer.
  return { method: "POST", headers, body, duplex: "half" } as RequestInit;
}
