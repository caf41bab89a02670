/** Envelopes that a relay refuses, whenever it is asked. */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes.ts";
import { blake3_256, sha3_256 } from "../../lib/hash.ts";
import { encode } from "../../lib/minima/codec.ts";
import { MIN_WORK } from "../../lib/minima/constants.ts";
import {
  type MaxTxPow,
  maxTxPow,
  packageHash,
} from "../../lib/minima/maxima.ts";
import { meets } from "../../lib/minima/txpow_facts.ts";
import { makeEnvelope, makePackage } from "../routes/envelopes.ts";
import { freshKey } from "../routes/owner.ts";
import { postTo, type Sending } from "./posting.ts";

/** What must not be stored. */
export class Refusal {
  readonly envelope: Bytes;
  readonly id: string;
  readonly object: string;
  readonly code: string;
  readonly query: string;
  /** Whether the relay ever answered it. */
  isAnswered = false;

  private constructor(unit: MaxTxPow, code: string, query = "") {
    this.envelope = encode(maxTxPow, unit);
    this.id = packageHash(unit.package).toHex();
    this.object = blake3_256(this.envelope).toHex();
    this.code = code;
    this.query = query;
  }

  /** One of each kind, to a key that has a mailbox. */
  static ofEachKind(to: Bytes): Refusal[] {
    const time = Date.now();
    return [
      new Refusal(
        makeEnvelope({
          package: makePackage(to, 1_000),
          time,
          accepts: (id) => !meets(id, MIN_WORK),
        }),
        "work-insufficient",
      ),
      new Refusal(
        makeEnvelope({
          package: makePackage(to, 1_000),
          time,
          header: { customHash: sha3_256(new Uint8Array(1)) },
        }),
        "wrong-hash",
      ),
      new Refusal(
        makeEnvelope({ package: makePackage(to, 60_000), time }),
        "work-insufficient",
        "?hold=2592000",
      ),
      new Refusal(
        makeEnvelope({ package: makePackage(freshKey(), 1_000), time }),
        "mailbox-unknown",
      ),
    ];
  }

  /** Sends it, to be refused. */
  async send(url: string): Promise<Sending> {
    const { envelope, query, code, id } = this;
    const response = await postTo(url, envelope, query);
    const text = await response?.text().catch(() => null) ?? null;
    if (response === null || text === null || response.status === 503) {
      return "unknown";
    }
    assert.equal(JSON.parse(text).code, code, `${id}: ${text}`);
    this.isAnswered = true;
    return "answered";
  }
}
