/**
 * The DPoP proofs that this worker has seen within their window. Workers do not
 * share it: a proof can be replayed once to each of them within a minute, by
 * one who can read the caller's TLS. What it gives is what the caller got.
 */
import { PROOF_WINDOW } from "../lib/dpop.ts";

/** A proof's time may lie this far on both sides of the clock. */
const KEPT_MS = 2 * PROOF_WINDOW * 1_000;
/** Most proofs remembered; the oldest go first. */
const MAX_PROOFS = 100_000;

/** Remembers proofs, bounded in time and number. */
export class ProofLog {
  /** When each was seen, in that order. */
  #seen = new Map<string, number>();

  /** Notes a proof at `now`; false if it was noted before. */
  note(id: string, now: number): boolean {
    for (const [oldest, at] of this.#seen) {
      if (now - at < KEPT_MS && this.#seen.size < MAX_PROOFS) break;
      this.#seen.delete(oldest);
    }
    if (this.#seen.has(id)) return false;
    this.#seen.set(id, now);
    return true;
  }
}
