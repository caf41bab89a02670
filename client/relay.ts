/** One relay, as a client talks to it. */
import { z } from "zod";
import type { Bytes } from "../lib/bytes.ts";
import { importVerifyingKey, type VerifyingKey } from "../lib/signing_key.ts";
import { type Clock, systemClock } from "../lib/timers.ts";
import { isLoopback } from "./address.ts";
import { ANSWER_WITHIN, type AnswerBounds, readAnswer } from "./answer.ts";
import { ClientError } from "./error.ts";
import {
  amountForm,
  countForm,
  cursorForm,
  type Form,
  hashForm,
  idForm,
  keyForm,
  signedForm,
  targetForm,
  timeForm,
} from "./forms.ts";
import { refusalOf } from "./refusal.ts";
import { withRetries } from "./retry.ts";
import { envelopeRequest } from "./upload.ts";

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
  /** Whether it was here already, and more work made its hold longer. */
  readonly extended?: boolean | undefined;
  /** A JWS, the same for the same message. */
  readonly receipt: string;
}

/** Characters of the longest URL. */
const MAX_URL = 2_048;

const descriptorForm: Form<Descriptor> = z.looseObject({
  id: hashForm,
  url: z.string().max(MAX_URL),
  address: z.string(),
  keys: z.looseObject({
    maxima: keyForm,
    signing: z.looseObject({ x: idForm }),
  }),
});

const quoteForm: Form<{ work: { target: string; hashes: number } }> = z
  .object({ work: z.object({ target: targetForm, hashes: amountForm }) });

const storedForm: Form<StoredMessage> = z.object({
  id: hashForm,
  object: hashForm,
  mailbox: hashForm,
  cursor: cursorForm,
  size: countForm,
  storedAt: timeForm,
  holdUntil: timeForm,
  paid: z.object({ by: idForm, hashes: countForm }),
  block: z.boolean(),
  extended: z.boolean().optional(),
  receipt: signedForm,
});

/** How a relay is talked to. */
export interface RelayOptions {
  /**
   * Milliseconds for which a request is made again while the relay is out of
   * reach or busy; 5,000 if not said. What could do harm twice is not repeated.
   */
  readonly patience?: number;
  /** What time is taken by; the machine's, if not said. */
  readonly clock?: Clock;
}

/** What every request takes. */
export interface RequestOptions {
  /** Ends the request with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What posting takes. */
export interface PostOptions extends RequestOptions {
  /**
   * Seconds that it is to be held, for which the work has to be enough; all that
   * is paid for, if not said.
   */
  readonly hold?: number | undefined;
  /** Told how many bytes are sent; from the start again if it is repeated. */
  readonly onUpload?: ((sent: number) => void) | undefined;
}

const PATIENCE = 5_000;

/** Talks to the relay at a URL. */
export class Relay {
  /** The origin, without a slash at its end. */
  readonly url: string;
  /** What time is taken by, in whatever is done with this relay. */
  readonly clock: Clock;
  readonly #patience: number;

  /**
   * Nothing is asked of the relay before the first request.
   *
   * @throws {ClientError} `address-invalid` if the text is no https URL, nor an
   * http one of this machine
   */
  constructor(url: string, options: RelayOptions = {}) {
    const { patience = PATIENCE, clock = systemClock } = options;
    const parsed = URL.parse(url);
    if (parsed === null || !["http:", "https:"].includes(parsed.protocol)) {
      throw new ClientError(
        "address-invalid",
        `"${url}" is not the URL of a relay`,
      );
    }
    if (parsed.protocol === "http:" && !isLoopback(parsed.hostname)) {
      throw new ClientError(
        "address-invalid",
        `"${url}" is not safe: a relay on another machine is reached by https`,
      );
    }
    this.url = parsed.origin;
    this.clock = clock;
    this.#patience = patience;
  }

  /** Who the relay is. */
  async descriptor({ signal }: RequestOptions = {}): Promise<Descriptor> {
    return await this.json("/.well-known/restante", descriptorForm, {
      signal: signal ?? null,
    });
  }

  /**
   * The key that signs the relay's receipts, checked to be the one that the
   * relay's id names.
   */
  async verifyingKey(options: RequestOptions = {}): Promise<VerifyingKey> {
    const { id, keys } = await this.descriptor(options);
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
    options: RequestOptions = {},
  ): Promise<Quote> {
    const asked = { bytes, seconds, mailbox };
    const { work } = await this.post("/v1/quotes", asked, quoteForm, options);
    return { target: BigInt(`0x${work.target}`), hashes: work.hashes };
  }

  /**
   * Posts an envelope. The same one again is answered the same, so it is posted
   * again where no answer comes.
   */
  async postMessage(
    envelope: Bytes,
    { signal, hold, onUpload }: PostOptions = {},
  ): Promise<StoredMessage> {
    const path = `/v1/messages${hold === undefined ? "" : `?hold=${hold}`}`;
    // A slow link gets a millisecond more for each byte.
    const within = ANSWER_WITHIN + envelope.length;
    return await this.persist(signal, () => {
      const request = envelopeRequest(envelope, onUpload);
      return this.answer(path, storedForm, request, { signal, within });
    });
  }

  /** Posts a JSON body: of what may be asked twice. */
  async post<T>(
    path: string,
    body: unknown,
    form: Form<T>,
    { signal }: RequestOptions = {},
  ): Promise<T> {
    return await this.json(path, form, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: signal ?? null,
    });
  }

  /** Makes a request, again if need be, and checks that the answer is of a form. */
  async json<T>(
    path: string,
    form: Form<T>,
    { signal, ...request }: RequestInit = {},
  ): Promise<T> {
    return await this.persist(
      signal,
      () => this.answer(path, form, request, { signal }),
    );
  }

  /** Makes a request once, and checks that the answer is of a form. */
  async answer<T>(
    path: string,
    form: Form<T>,
    request: RequestInit,
    options: AnswerBounds & {
      readonly signal?: AbortSignal | null | undefined;
    } = {},
  ): Promise<T> {
    return await readAnswer(
      form,
      { url: this.url + path, clock: this.clock, ...options },
      (signal) => this.fetch(path, { ...request, signal }),
    );
  }

  /** Tries what may be done twice, for as long as patience lasts. */
  async persist<T>(
    signal: AbortSignal | null | undefined,
    attempt: () => Promise<T>,
  ): Promise<T> {
    const patience = this.#patience;
    return await withRetries(attempt, { patience, signal, clock: this.clock });
  }

  /**
   * Makes a request, once. Nobody is followed to another place: the headers are
   * for this relay alone.
   *
   * @throws {RelayError} if the relay refuses
   * @throws {ClientError} `relay-unreachable` or `relay-nonsense`
   */
  async fetch(path: string, request: RequestInit = {}): Promise<Response> {
    const response = await fetch(this.url + path, {
      ...request,
      redirect: "error",
    }).catch((cause) => {
      request.signal?.throwIfAborted();
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
