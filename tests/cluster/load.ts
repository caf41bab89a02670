/** Posters who do not give up until every message of theirs is answered. */
import type { Posting } from "../crash/posting.ts";
import type { Cluster } from "./cluster.ts";
import { pauseBeforeRetry } from "./deadline.ts";
import type { Mailbox } from "./mailbox.ts";

/** Bytes that are sealed: in the log, or in one segment or two. */
const SIZES = [200, 200, 4_200, 200, 4_200, 60_000];

/** How a load is made. */
export interface LoadOptions {
  readonly mailboxes: readonly Mailbox[];
  /** Messages in all. */
  readonly messages: number;
  readonly posters: number;
}

/** Messages on their way into a cluster whose parts fail. */
export class Load {
  /** Sendings of which nobody knows what came of them. */
  unknown = 0;
  /** Messages that were answered. */
  answered = 0;
  readonly #left: Posting[];
  readonly #posters: number;
  #changed = Promise.withResolvers<void>();

  private constructor(left: Posting[], posters: number) {
    this.#left = left;
    this.#posters = posters;
  }

  /** Seals and mines everything beforehand. */
  static async prepare(options: LoadOptions): Promise<Load> {
    const { mailboxes, messages, posters } = options;
    const left: Posting[] = [];
    for (let i = 0; i < messages; i++) {
      const mailbox = mailboxes[i % mailboxes.length];
      const size = SIZES[Math.floor(i / mailboxes.length) % SIZES.length];
      if (mailbox === undefined || size === undefined) break;
      left.push(await mailbox.message(size));
    }
    return new Load(left, posters);
  }

  /** Posts everything; ends once everything is answered. */
  async run(cluster: Cluster): Promise<void> {
    await Promise.all(
      Array.from({ length: this.#posters }, () => this.#post(cluster)),
    );
  }

  /** Ends once so many messages are answered. */
  async hasAnswered(count: number): Promise<void> {
    while (this.answered < count) await this.#changed.promise;
  }

  async #post(cluster: Cluster): Promise<void> {
    for (
      let posting = this.#left.shift();
      posting !== undefined;
      posting = this.#left.shift()
    ) {
      while (await posting.send(cluster.next().url) === "unknown") {
        this.unknown++;
        this.#change();
        await pauseBeforeRetry();
      }
      this.answered++;
      this.#change();
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
