/** Those who keep a relay busy until it dies. */
import { mineEnvelope } from "../../client/envelope.ts";
import { seal } from "../../lib/seal/maxima.ts";
import { targetOf } from "../../lib/work/target.ts";
import { randomBytes } from "../routes/envelopes.ts";
import type { Dice } from "./dice.ts";
import type { Inbox } from "./inbox.ts";
import { Posting } from "./posting.ts";
import { Refusal } from "./refusal.ts";

/** Expected hashes of the work: the least there is, and a little. */
const HASHES = 11_000;

/** Bytes that are sealed: some stand in the log, some in one or two segments. */
function sizeFor(dice: Dice): number {
  const kind = dice.next();
  return kind < 0.6 ? 200 : kind < 0.9 ? 4_200 : dice.between(58_000, 64_000);
}

/** New messages for each millisecond of the relay's life… */
const PACE = 0.12;
/** …and for its last moments, so that death meets commits under way. */
const RESERVE = 40;
/** Milliseconds that these moments last. */
const LAST_MOMENTS = 30;

/** Mailboxes, and all that was sent to them or is about to be. */
export class Load {
  readonly inboxes: readonly Inbox[];
  readonly postings: Posting[] = [];
  readonly refusals: Refusal[] = [];
  readonly #stock: Posting[] = [];
  #begunAt = 0;
  #life = 0;

  constructor(inboxes: readonly Inbox[]) {
    this.inboxes = inboxes;
    for (const { identity } of inboxes) {
      this.refusals.push(...Refusal.ofEachKind(identity.key.publicKey));
    }
  }

  /** Seals and mines what is to be sent in a life of so many milliseconds. */
  async prepare(life: number, dice: Dice): Promise<void> {
    this.#life = life;
    while (this.#stock.length < RESERVE + PACE * life) {
      const inbox = dice.pick(this.inboxes);
      const from = dice.pick(this.inboxes);
      if (inbox === undefined || from === undefined) return;
      const sealed = await seal({
        to: inbox.identity.key.publicKey,
        from: from.identity.key,
        application: "crash",
        data: randomBytes(sizeFor(dice)),
        time: Date.now(),
      });
      const target = targetOf(HASHES);
      const posting = new Posting(await mineEnvelope(sealed, { target }));
      this.#stock.push(posting);
    }
  }

  /** The life has begun. */
  begin(): void {
    this.#begunAt = performance.now();
  }

  /** One that was never sent, if it is time; from now on it may be listed. */
  take(): Posting | undefined {
    const left = this.#begunAt + this.#life - performance.now() - LAST_MOMENTS;
    const kept = left <= 0 ? 0 : RESERVE + PACE * left;
    if (this.#stock.length <= kept) return undefined;
    const posting = this.#stock.shift();
    if (posting === undefined) return undefined;
    const inbox = this.inboxes.find(({ identity }) =>
      identity.mailbox === posting.mailbox
    );
    inbox?.postings.set(posting.id, posting);
    this.postings.push(posting);
    return posting;
  }

  /** Sends again everything of which nobody knows what became of it. */
  async settle(url: string): Promise<number> {
    const open = this.postings.filter(({ isOpen }) => isOpen);
    await Promise.all(open.map((posting) => posting.send(url)));
    const unsettled = open.filter(({ isOpen }) => isOpen);
    if (unsettled.length > 0) throw new Error("the relay does not answer");
    return open.length;
  }
}

/** Posts new ones, old ones, twins and bad ones until the relay is gone. */
export async function post(load: Load, url: string, dice: Dice): Promise<void> {
  for (let sending = "answered"; sending === "answered";) {
    const kind = dice.next();
    const fresh = kind < 0.7 ? load.take() : undefined;
    const bad = kind > 0.92 ? dice.pick(load.refusals) : undefined;
    const one = bad ?? fresh ?? dice.pick(load.postings) ??
      dice.pick(load.refusals);
    if (one === undefined) return;
    const twins = dice.chance(0.1) ? [one, one] : [one];
    const sendings = await Promise.all(twins.map((twin) => twin.send(url)));
    sending = sendings.every((one) => one === "answered")
      ? "answered"
      : "unknown";
  }
}

/** Reads from anywhere until the relay is gone. */
export async function read(load: Load, dice: Dice): Promise<void> {
  for (let isThere = true; isThere;) {
    const inbox = dice.pick(load.inboxes);
    const after = dice.pick(inbox?.cursors ?? []) ?? null;
    isThere = await inbox?.read(after, dice.between(1, 100)) != null;
  }
}

/** Reads and acknowledges one mailbox until the relay is gone. */
export async function acknowledge(inbox: Inbox, dice: Dice): Promise<void> {
  for (let isThere = true; isThere;) {
    const page = await inbox.read(null, dice.between(1, 4));
    isThere = page !== null && await inbox.acknowledge(page.next);
  }
}
