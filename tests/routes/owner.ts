/** The owner of a mailbox, as the tests of reading need one. */
import assert from "node:assert/strict";
import { completeHandshake } from "../../kv/mail/mailboxes.ts";
import { type MailboxId, mailboxIdOf } from "../../lib/ids.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { issueToken, type Scope } from "../../lib/token.ts";
import { envelopeBytes, type PlainEnvelope, randomBytes } from "./envelopes.ts";
import type { TestRelay } from "./relay_fixture.ts";

/** What a relay answers to a message that it stored. */
export interface Stored {
  readonly id: string;
  readonly object: string;
  readonly mailbox: string;
  readonly cursor: string;
  readonly size: number;
  readonly storedAt: number;
  readonly holdUntil: number;
  readonly paid: { readonly by: string; readonly hashes: number };
  readonly block: boolean;
  readonly receipt: string;
}

/** One element of a list of messages. */
export interface Listed {
  readonly cursor: string;
  readonly id: string;
  readonly object: string;
  readonly size: number;
  readonly minBandwidth: number;
  readonly storedAt: number;
  readonly holdUntil: number;
  readonly body: string | null;
  readonly expired: boolean;
}

/** A part of a mailbox. */
export interface Page {
  readonly messages: readonly Listed[];
  readonly next: string;
  readonly more: boolean;
  readonly reset: boolean;
}

/** A key that nobody has the private half of: Ed25519, 44 bytes. */
export function freshKey(): Bytes {
  return new Uint8Array([
    ...Uint8Array.fromHex("302a300506032b6570032100"),
    ...randomBytes(32),
  ]);
}

/** Sends an envelope to a relay. */
export function postEnvelope(
  relay: TestRelay,
  body: BodyInit,
  query = "",
): Promise<Response> {
  return relay.fetch(`/v1/messages${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/vnd.minima.maxtxpow" },
    body,
  });
}

/** Has the run of one mailbox. */
export class Owner {
  readonly relay: TestRelay;
  readonly publicKey: Bytes;
  readonly mailbox: MailboxId;
  readonly scopes: readonly Scope[];

  private constructor(
    relay: TestRelay,
    publicKey: Bytes,
    scopes: readonly Scope[],
  ) {
    this.relay = relay;
    this.publicKey = publicKey;
    this.mailbox = mailboxIdOf(publicKey);
    this.scopes = scopes;
  }

  /** Opens a mailbox past the handshake, which has tests of its own. */
  static async open(
    relay: TestRelay,
    publicKey: Bytes = freshKey(),
    scopes: readonly Scope[] = ["read", "ack"],
  ): Promise<Owner> {
    const now = relay.clock.time;
    const id = randomBytes(22).toHex();
    const handshake = { id, expires: now + 60_000, publicKey };
    await completeHandshake(relay.relay.store, handshake, now);
    return new Owner(relay, publicKey, scopes);
  }

  /** A token that starts now. */
  async token(): Promise<string> {
    const { mailbox, scopes, relay } = this;
    const { token } = await issueToken(
      relay.relay.keys.signing,
      { mailbox, scopes, jkt: null },
      relay.clock.time,
    );
    return token;
  }

  /** Asks with a token. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${await this.token()}`);
    return await this.relay.fetch(path, { ...init, headers });
  }

  /** An envelope to this mailbox, mined now. */
  envelope(options: Partial<PlainEnvelope> = {}): Bytes {
    const { publicKey: to, relay: { clock: { time } } } = this;
    return envelopeBytes({ to, time, ...options });
  }

  /** Has a message stored, with a new envelope if none is given. */
  async receive(
    envelope: Bytes = this.envelope(),
    query = "",
  ): Promise<Stored> {
    const response = await postEnvelope(this.relay, envelope, query);
    assert.equal(response.status, 201, "stored");
    return await response.json();
  }

  /** One page of the mailbox. */
  async read(query = ""): Promise<Page> {
    const response = await this.fetch(
      `/v1/mailboxes/${this.mailbox}/messages${query}`,
    );
    assert.equal(response.status, 200, "listed");
    return await response.json();
  }

  /** Says that a device has everything up to a cursor. */
  acknowledge(through: string, reader?: string): Promise<Response> {
    return this.fetch(`/v1/mailboxes/${this.mailbox}/ack`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ through, ...(reader && { reader }) }),
    });
  }

  /** Deletes the message at a cursor. */
  delete(cursor: string): Promise<Response> {
    return this.fetch(`/v1/mailboxes/${this.mailbox}/messages/${cursor}`, {
      method: "DELETE",
    });
  }
}

/** The bytes of a listed body. */
export function bodyOf({ body }: Listed): Bytes | null {
  return body === null
    ? null
    : Uint8Array.fromBase64(body, { alphabet: "base64url" });
}
