/** A mailbox on a cluster, all that was sent to it, and its owner's way in. */
import assert from "node:assert/strict";
import { mineEnvelope } from "../../client/envelope.ts";
import { type Identity, makeIdentity, Session } from "../../client/mod.ts";
import type { MailboxId } from "../../lib/ids.ts";
import { seal } from "../../lib/seal/maxima.ts";
import { issueToken } from "../../lib/token.ts";
import { targetOf } from "../../lib/work/target.ts";
import { Posting } from "../crash/posting.ts";
import { randomBytes } from "../routes/envelopes.ts";
import { bodyOf, type Listed, type Page } from "../routes/owner.ts";
import { sharedKeys } from "../routes/shared_keys.ts";
import { BalancedRelay, type Cluster } from "./cluster.ts";

/** Bits of the owners' keys: they guard nothing. */
const RSA_BITS = 1_024;
/** Expected hashes of the work: the least there is, and a little. */
const HASHES = 11_000;

/** The owner's side of a mailbox. */
export class Mailbox {
  readonly id: MailboxId;
  /** Through the balancer, with proofs. */
  readonly session: Session;
  /** What was made for it, by message id. */
  readonly postings = new Map<string, Posting>();
  readonly #identity: Identity;

  private constructor(identity: Identity, session: Session) {
    this.id = identity.mailbox;
    this.session = session;
    this.#identity = identity;
  }

  /** Opens a new one: one worker asks for the proof, another one checks it. */
  static async open(cluster: Cluster): Promise<Mailbox> {
    const identity = await makeIdentity(RSA_BITS);
    const session = new Session(new BalancedRelay(cluster), identity);
    assert.deepEqual((await session.open()).created, true);
    return new Mailbox(identity, session);
  }

  /** Seals and mines a message of so many bytes. */
  async message(size: number): Promise<Posting> {
    const { key } = this.#identity;
    const sealed = await seal({
      to: key.publicKey,
      from: key,
      application: "cluster",
      data: randomBytes(size),
      time: Date.now(),
    });
    const target = targetOf(HASHES);
    const posting = new Posting(await mineEnvelope(sealed, { target }));
    this.postings.set(posting.id, posting);
    return posting;
  }

  /** A token that whoever has it may use, at any worker. */
  async bearer(): Promise<string> {
    const { signing } = await sharedKeys();
    const grant = { mailbox: this.id, scopes: ["read"], jkt: null } as const;
    return (await issueToken(signing, grant, Date.now())).token;
  }

  /** One page, from one worker. */
  async page(url: string, query = ""): Promise<Page> {
    const response = await fetch(
      `${url}/v1/mailboxes/${this.id}/messages${query}`,
      { headers: { Authorization: `Bearer ${await this.bearer()}` } },
    );
    assert.equal(response.status, 200);
    return await response.json();
  }

  /** Everything, from one worker, checked to be in order and as it was sent. */
  async readAll(url: string): Promise<Listed[]> {
    const all: Listed[] = [];
    for (let query = "?limit=20";;) {
      const { messages, more, next } = await this.page(url, query);
      for (const listed of messages) {
        assert.ok(listed.cursor > (all.at(-1)?.cursor ?? ""), "in order");
        this.check(listed);
        all.push(listed);
      }
      if (!more) return all;
      query = `?limit=20&after=${next}`;
    }
  }

  /** What is listed is what was sent, and stands where its receipt says. */
  check(listed: Listed): void {
    const { id, cursor } = listed;
    const posting = this.postings.get(id);
    assert.ok(posting, `${id} was never sent`);
    assert.deepEqual(bodyOf(listed), posting.envelope, `the bytes of ${id}`);
    assert.equal(
      cursor,
      posting.answer?.cursor ?? cursor,
      `the place of ${id}`,
    );
  }

  /** The ids that the workers answered for, in the order of their cursors. */
  answered(): string[] {
    return [...this.postings.values()].flatMap(({ answer }) => answer ?? [])
      .sort((a, b) => a.cursor < b.cursor ? -1 : 1).map(({ id }) => id);
  }
}
