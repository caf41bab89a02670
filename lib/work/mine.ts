/**
 * Mining: a TxPoW that commits to a package, and a nonce for it (spec/maxima.md
 * 5). This unit stands on no chain, so it never claims to be a block.
 */
import { sha3_256 } from "../hash.ts";
import type { Bytes } from "../bytes.ts";
import { decode, encode } from "../minima/codec.ts";
import { MAIN_CHAIN, SUPER_PARENTS } from "../minima/constants.ts";
import { DEFAULT_MAGIC } from "../minima/magic.ts";
import { integer, miniNumber } from "../minima/mininumber.ts";
import { EMPTY_TRANSACTION } from "../minima/transaction.ts";
import type { TxBody, TxPow } from "../minima/txpow.ts";
import { bodyHash, meets } from "../minima/txpow_facts.ts";
import { type TxHeader, txHeader } from "../minima/txheader.ts";
import { EMPTY_WITNESS } from "../minima/witness.ts";
import { type RandomBytes, systemRandom } from "../random.ts";
import { hashesOf, targetBytes } from "./target.ts";

/** How mining goes. */
export interface MiningProgress {
  /** Nonces tried so far. */
  readonly tries: number;
  /** Tries that the target takes on average. */
  readonly expected: number;
  /** Tries a second so far. */
  readonly rate: number;
}

/** What to mine for. */
export interface MineOptions {
  /** The commitment: `H(package)`, 32 bytes. */
  customHash: Bytes;
  /** The id must be below it. */
  target: bigint;
  /** Unix milliseconds, into the header. */
  time: number;
  /** Ends the search with its reason. */
  signal?: AbortSignal | undefined;
  /** Called some sixty times a second. */
  onProgress?: ((progress: MiningProgress) => void) | undefined;
  /** Fixed in tests. */
  random?: RandomBytes;
}

/** The scale of a nonce, the count of its bytes, and two that stay fixed. */
const NONCE_HEAD = new Uint8Array([41, 25, 0x01, 0x97]);
/** The bytes behind them: any value is canonical. */
const NONCE_FREE_BYTES = 23;
const UNUSED = new Uint8Array([0]);
/** Tries between two looks at the clock. */
const BATCH = 1_024;
/** Milliseconds of mining before others get their turn. */
const TURN = 16;

/** Searches for a nonce; the event loop gets a turn every 16 ms. */
export async function mine(options: MineOptions): Promise<TxPow> {
  const { signal, onProgress, random = systemRandom } = options;
  signal?.throwIfAborted();
  const body = bodyFor(options.target, random);
  const header = encode(txHeader, headerFor(options, body, random));
  const target = targetBytes(options.target);
  const expected = hashesOf(options.target);
  const counter = new DataView(
    header.buffer,
    header.byteOffset + NONCE_HEAD.length,
  );
  const started = performance.now();
  for (let tries = 0, turn = started;;) {
    for (let i = 0; i < BATCH; i++) {
      counter.setUint32(0, tries / 2 ** 32);
      counter.setUint32(4, tries++);
      if (meets(sha3_256(header), target)) {
        return { header: decode(txHeader, header), body };
      }
    }
    if (performance.now() - turn < TURN) continue;
    onProgress?.({
      tries,
      expected,
      rate: 1_000 * tries / (performance.now() - started),
    });
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    turn = performance.now();
  }
}

function bodyFor(target: bigint, random: RandomBytes): TxBody {
  return {
    prng: random(32),
    txnDifficulty: targetBytes(target),
    transaction: EMPTY_TRANSACTION,
    witness: EMPTY_WITNESS,
    burnTransaction: EMPTY_TRANSACTION,
    burnWitness: EMPTY_WITNESS,
    txPowIds: [],
  };
}

function headerFor(
  { customHash, time }: MineOptions,
  body: TxBody,
  random: RandomBytes,
): TxHeader {
  const nonce = new Uint8Array([...NONCE_HEAD, ...random(NONCE_FREE_BYTES)]);
  return {
    nonce: decode(miniNumber, nonce),
    chainId: MAIN_CHAIN,
    time: integer(time),
    blockNumber: integer(0),
    blockDifficulty: UNUSED, // no id is below it
    superParents: new Array<Bytes>(SUPER_PARENTS).fill(UNUSED),
    mmrRoot: UNUSED,
    mmrTotal: integer(0),
    magic: DEFAULT_MAGIC,
    customHash,
    bodyHash: bodyHash(body),
  };
}
