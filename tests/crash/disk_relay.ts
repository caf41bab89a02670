/** A relay on a disk that is about to fail, and one mailbox on it. */
import assert from "node:assert/strict";
import { mineEnvelope } from "../../client/envelope.ts";
import { seal } from "../../lib/seal/maxima.ts";
import { targetOf } from "../../lib/work/target.ts";
import { RelayProcess } from "../journeys/process.ts";
import { randomBytes } from "../routes/envelopes.ts";
import type { Disk } from "./disk.ts";
import { Inbox } from "./inbox.ts";
import { Posting, postTo } from "./posting.ts";

/** Expected hashes of the work. */
const HASHES = 11_000;

/** A relay, its store on a disk. */
export class DiskRelay implements AsyncDisposable {
  relay: RelayProcess;
  readonly inbox: Inbox;
  readonly #disk: Disk;

  private constructor(relay: RelayProcess, inbox: Inbox, disk: Disk) {
    this.relay = relay;
    this.inbox = inbox;
    this.#disk = disk;
  }

  static async start(disk: Disk): Promise<DiskRelay> {
    const kv = disk.file("store.kv");
    const relay = await RelayProcess.start("--port", "0", "--kv", kv);
    try {
      return new DiskRelay(relay, await Inbox.open(relay.url), disk);
    } catch (error) {
      await relay[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts it again on the same port. */
  async restart(): Promise<void> {
    const { port } = new URL(this.relay.url);
    const kv = this.#disk.file("store.kv");
    this.relay = await RelayProcess.start("--port", port, "--kv", kv);
  }

  /** A mined message to the mailbox. */
  async message(size: number): Promise<Posting> {
    const { key } = this.inbox.identity;
    const sealed = await seal({
      to: key.publicKey,
      from: key,
      application: "disk",
      data: randomBytes(size),
      time: Date.now(),
    });
    const target = targetOf(HASHES);
    return new Posting(await mineEnvelope(sealed, { target }));
  }

  /** Has a message stored. */
  async store(posting: Posting): Promise<void> {
    this.inbox.postings.set(posting.id, posting);
    assert.equal(await posting.send(this.relay.url), "answered");
  }

  /** Posts a message; gives whether it was stored. Else it was refused as busy. */
  async tryToStore(posting: Posting): Promise<boolean> {
    const response = await postTo(this.relay.url, posting.envelope);
    assert.ok(response, "the relay answers");
    const answer = await response.json();
    if (response.status !== 503) {
      assert.equal(response.status, 201, JSON.stringify(answer));
      this.inbox.postings.set(posting.id, posting);
      posting.isAccepted = true;
      posting.answer = answer;
      return true;
    }
    assert.equal(answer.code, "busy");
    assert.ok(Number(response.headers.get("Retry-After")) > 0);
    return false;
  }

  /** Everything that was answered is there, and nothing else. */
  async assertComplete(): Promise<void> {
    const page = await this.inbox.read(null, 1_000);
    assert.ok(page !== null, "the relay answers");
    const ids = page.messages.map(({ id }) => id);
    assert.deepEqual(ids, this.inbox.due(null));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay[Symbol.asyncDispose]();
  }
}
