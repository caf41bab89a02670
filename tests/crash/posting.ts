/** One envelope, and everything that a relay ever answered to it. */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes.ts";
import { blake3_256 } from "../../lib/hash.ts";
import { decodeMaxTxPow } from "../../lib/minima/maxtxpow.ts";
import { packageHash } from "../../lib/minima/maxima.ts";
import { mailboxIdOf } from "../../lib/ids.ts";
import type { Stored } from "../routes/owner.ts";

/** What came of sending it once. */
export type Sending =
  /** The relay answered. */
  | "answered"
  /** The connection was lost, or the store was busy: nobody knows. */
  | "unknown";

/** What a relay said that was too busy. */
export interface Refusal {
  readonly code: string;
  /** The header, as it came. */
  readonly retryAfter: string | null;
}

/** An envelope that a relay is to store once. */
export class Posting {
  readonly envelope: Bytes;
  readonly id: string;
  readonly object: string;
  readonly mailbox: string;
  /** The whole answer, once it was read. */
  answer: Stored | null = null;
  /** Whether an answer 201 or 200 began, even if it was cut off. */
  isAccepted = false;
  /** Times that it was sent. */
  sendings = 0;
  /** What it was told each time that the relay was busy. */
  readonly refusals: Refusal[] = [];
  #text = "";
  #created = 0;

  constructor(envelope: Bytes) {
    const unit = decodeMaxTxPow(envelope);
    this.envelope = envelope;
    this.id = packageHash(unit.package).toHex();
    this.object = blake3_256(envelope).toHex();
    this.mailbox = mailboxIdOf(unit.package.to);
  }

  /** Whether it is in the relay's hands, and we do not know where. */
  get isOpen(): boolean {
    return this.sendings > 0 && this.answer === null;
  }

  /** Whether it was stored by a sending that had no answer. */
  get isUnheard(): boolean {
    return this.isAccepted && this.#created === 0;
  }

  /** Sends it. Every answer to it must be the same one. */
  async send(url: string): Promise<Sending> {
    const wasAccepted = this.isAccepted;
    const wasSent = this.sendings++ > 0;
    const response = await postTo(url, this.envelope);
    if (response === null) return "unknown";
    const { status } = response;
    if (status === 503) {
      const retryAfter = response.headers.get("Retry-After");
      const problem = await response.json().catch(() => null);
      if (problem !== null) {
        this.refusals.push({ code: problem.code, retryAfter });
      }
      return "unknown";
    }
    const mayBe = wasAccepted ? [200] : wasSent ? [200, 201] : [201];
    // A replay may overtake the first sending, whose answer then is 200.
    if (!wasSent && this.sendings > 1) mayBe.push(200);
    if (!mayBe.includes(status)) {
      assert.fail(
        `${this.id} was answered ${status}, not ${mayBe}: ${await response
          .text().catch(String)}`,
      );
    }
    this.isAccepted = true;
    if (status === 201) this.#created++;
    assert.ok(this.#created <= 1, `${this.id} was created twice`);
    const text = await response.text().catch(() => null);
    if (text === null) return "unknown";
    if (this.answer !== null) {
      assert.equal(text, this.#text, `${this.id} has two receipts`);
      return "answered";
    }
    const answer: Stored = JSON.parse(text);
    const { id, object, mailbox, envelope } = this;
    assert.partialDeepStrictEqual(answer, {
      id,
      object,
      mailbox,
      size: envelope.length,
    });
    this.#text = text;
    this.answer = answer;
    return "answered";
  }
}

/** Posts bytes; null if the connection is lost before there is an answer. */
export async function postTo(
  url: string,
  body: Bytes,
  query = "",
): Promise<Response | null> {
  return await fetch(`${url}/v1/messages${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/vnd.minima.maxtxpow" },
    body,
  }).catch((error) => {
    if (error instanceof TypeError) return null;
    throw error;
  });
}
