/** A mailbox as its owner knows it across the relay's crashes. */
import assert from "node:assert/strict";
import {
  type Identity,
  makeIdentity,
  Relay,
  Session,
} from "../../client/mod.ts";
import { ClientError } from "../../client/error.ts";
import { elementPage, ELEMENTS } from "../routes/elements.ts";
import { bodyOf, type Listed, type Page } from "../routes/owner.ts";
import type { Posting } from "./posting.ts";

/** Bits of the owners' keys: they guard nothing. */
const RSA_BITS = 1_024;

/** The owner's side of a mailbox. */
export class Inbox {
  readonly identity: Identity;
  readonly session: Session;
  /** What was sent to it, by message id. */
  readonly postings = new Map<string, Posting>();
  /** Every cursor that the relay gave out, or null for the start. */
  readonly cursors: (string | null)[] = [null];
  /** Where every message was seen, by its id. */
  readonly #seen = new Map<string, string>();
  /** Up to where an acknowledgement was sent… */
  #ackSent = "";
  /** …and up to where one was answered. */
  #ackDone = "";
  /** Pages that were asked for. */
  #pages = 0;

  private constructor(identity: Identity, session: Session) {
    this.identity = identity;
    this.session = session;
  }

  /** Opens a new mailbox by a handshake. */
  static async open(url: string): Promise<Inbox> {
    const identity = await makeIdentity(RSA_BITS);
    const session = new Session(new Relay(url), identity);
    assert.deepEqual((await session.open()).created, true);
    return new Inbox(identity, session);
  }

  /**
   * Reads a page and holds it against everything known of the mailbox; null if
   * the connection is lost.
   */
  async read(after: string | null, limit: number): Promise<Page | null> {
    const before = this.#answered();
    const gone = this.#ackDone;
    const query = `?limit=${limit}${after === null ? "" : `&after=${after}`}`;
    // In turns as JSON and as elements: a crash cuts off either.
    const page = ++this.#pages % 2 === 0
      ? await this.#ask<Page>(`/messages${query}`)
      : await this.#ask(
        `/messages${query}`,
        { headers: ELEMENTS },
        elementPage,
      );
    if (page === null) return null;
    assert.equal(page.reset, false, `${after} was forgotten`);
    let last = after ?? "";
    for (const listed of page.messages) {
      assert.ok(listed.cursor > last, "in the order of cursors");
      assert.ok(listed.cursor > gone, `${listed.id} is back`);
      last = listed.cursor;
      this.#check(listed);
    }
    const shown = new Set(page.messages.map(({ id }) => id));
    for (const { id, cursor } of before) {
      const isDue: boolean = cursor > (after ?? "") && cursor > this.#ackSent &&
        (!page.more || cursor <= page.next);
      assert.ok(!isDue || shown.has(id), `${id} at ${cursor} is missing`);
    }
    this.cursors.push(page.next);
    return page;
  }

  /** Acknowledges up to a cursor; the outcome is unknown if it gives false. */
  async acknowledge(through: string): Promise<boolean> {
    if (through > this.#ackSent) this.#ackSent = through;
    const answer = await this.#ask("/ack", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ through, reader: "phone" }),
    });
    if (answer !== null && through > this.#ackDone) this.#ackDone = through;
    return answer !== null;
  }

  /** Acknowledges again what may have been cut off. */
  async settleAcknowledgement(): Promise<void> {
    if (this.#ackSent === this.#ackDone) return;
    assert.ok(await this.acknowledge(this.#ackSent), "acknowledged");
  }

  /** The ids that must be listed behind a cursor, in order. */
  due(after: string | null): string[] {
    const from = [after ?? "", this.#ackDone].sort().at(-1) ?? "";
    return this.#answered().filter(({ cursor }) => cursor > from)
      .sort((a, b) => a.cursor < b.cursor ? -1 : 1).map(({ id }) => id);
  }

  #answered(): { id: string; cursor: string }[] {
    return [...this.postings.values()].flatMap(({ answer }) => answer ?? []);
  }

  #check(listed: Listed): void {
    const { id, cursor, object, size, expired } = listed;
    const posting = this.postings.get(id);
    assert.ok(posting, `${id} was never sent, or was refused`);
    assert.deepEqual(bodyOf(listed), posting.envelope, `the bytes of ${id}`);
    assert.deepEqual(
      { object, size, expired },
      { object: posting.object, size: posting.envelope.length, expired: false },
    );
    const known = posting.answer?.cursor ?? this.#seen.get(id) ?? cursor;
    assert.equal(cursor, known, `${id} stands in two places`);
    this.#seen.set(id, cursor);
  }

  async #ask<T>(
    path: string,
    init?: RequestInit,
    parse = (response: Response): Promise<T> => response.json(),
  ): Promise<T | null> {
    try {
      const base = `/v1/mailboxes/${this.identity.mailbox}`;
      return await parse(await this.session.fetch(base + path, init));
    } catch (error) {
      const isLost = error instanceof TypeError ||
        error instanceof ClientError && error.code === "relay-unreachable";
      if (isLost) return null;
      throw error;
    }
  }

  /** What readers saw while the relay ran must still be where it was. */
  assertSeenIsAnswered(): void {
    for (const [id, cursor] of this.#seen) {
      assert.equal(this.postings.get(id)?.answer?.cursor, cursor, id);
    }
  }
}
