/** What the relay counts as it works. What is read at a scrape: observe.ts. */
import { type Counter, type Histogram, Metrics } from "../lib/metrics.ts";
import { type ProblemCode, PROBLEMS } from "../lib/problem.ts";

/** What became of a message that was accepted. */
export const OUTCOMES = ["stored", "extended", "repeated"] as const;
/** One of {@link OUTCOMES}. */
export type Outcome = typeof OUTCOMES[number];

/** The steps of handshakes. */
export const HANDSHAKE_STEPS = ["asked", "answered", "failed"] as const;
/** One of {@link HANDSHAKE_STEPS}. */
export type HandshakeStep = typeof HANDSHAKE_STEPS[number];

/** A message that the relay answers for. */
export interface AcceptedMessage {
  /** What was done with it. */
  readonly outcome: Outcome;
  /** Of its envelope. */
  readonly bytes: number;
  /** Work that was charged; none for one that was there already. */
  readonly hashes: number;
}

/** Upper bounds in seconds, from a store in memory to one that hardly answers. */
const LATENCY = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
/** Parts of a batch. */
const BATCH = [1, 2, 5, 10, 20, 50, 100];

/** The counters and histograms of a relay. */
export class Meters {
  /** Everything, also what {@link observe} adds. */
  readonly metrics = new Metrics();
  readonly #messages: Counter<"outcome">;
  readonly #bytes: Counter<"outcome">;
  readonly #hashes: Counter<never>;
  readonly #refusals: Counter<"code">;
  readonly #handshakes: Counter<"step">;
  readonly #sweeps: Counter<"outcome">;
  readonly #swept: Counter<never>;
  readonly #batch: Histogram<never>;
  readonly #commits: Histogram<never>;
  readonly #reads: Histogram<never>;

  constructor() {
    const { metrics } = this;
    this.#messages = metrics.counter(
      "restante_messages_total",
      "Messages accepted, by what was done with them.",
      ["outcome"],
    );
    this.#bytes = metrics.counter(
      "restante_message_bytes_total",
      "Bytes of the envelopes of messages accepted.",
      ["outcome"],
    );
    this.#hashes = metrics.counter(
      "restante_work_hashes_total",
      "Expected hashes of the work that was accepted and charged.",
    );
    this.#refusals = metrics.counter(
      "restante_refusals_total",
      "Requests refused, by the code of the problem.",
      ["code"],
    );
    this.#handshakes = metrics.counter(
      "restante_handshakes_total",
      "Handshakes, by the step they came to.",
      ["step"],
    );
    this.#sweeps = metrics.counter(
      "restante_sweeps_total",
      "Sweeps of what is over.",
      ["outcome"],
    );
    this.#swept = metrics.counter(
      "restante_swept_total",
      "Rows of what was due that sweeps saw to.",
    );
    this.#batch = metrics.histogram(
      "restante_commit_batch_parts",
      "Parts that were committed together.",
      BATCH,
    );
    this.#commits = metrics.histogram(
      "restante_commit_seconds",
      "Time the store took for a commit.",
      LATENCY,
    );
    this.#reads = metrics.histogram(
      "restante_read_seconds",
      "Time the store took for a read.",
      LATENCY,
    );
    // What has not happened yet is shown as zero, so that a rise can be seen.
    for (const outcome of OUTCOMES) {
      this.#messages.add({ outcome }, 0);
      this.#bytes.add({ outcome }, 0);
    }
    for (const code of Object.keys(PROBLEMS)) this.#refusals.add({ code }, 0);
    for (const step of HANDSHAKE_STEPS) this.#handshakes.add({ step }, 0);
    for (const outcome of ["ended", "failed"]) this.#sweeps.add({ outcome }, 0);
  }

  /** A message was answered with a receipt. */
  accepted({ outcome, bytes, hashes }: AcceptedMessage): void {
    this.#messages.add({ outcome });
    this.#bytes.add({ outcome }, bytes);
    this.#hashes.add({}, hashes);
  }

  /** A request was refused. */
  refused(code: ProblemCode): void {
    this.#refusals.add({ code });
  }

  /** A handshake came to a step. */
  shook(step: HandshakeStep): void {
    this.#handshakes.add({ step });
  }

  /** So many parts were committed together. */
  batched(parts: number): void {
    this.#batch.observe(parts);
  }

  /** The store answered, or failed. */
  answered(operation: "read" | "commit", seconds: number): void {
    (operation === "read" ? this.#reads : this.#commits).observe(seconds);
  }

  /** A sweep ended. */
  swept(rows: number): void {
    this.#sweeps.add({ outcome: "ended" });
    this.#swept.add({}, rows);
  }

  /** A sweep failed. */
  sweepFailed(): void {
    this.#sweeps.add({ outcome: "failed" });
  }
}
