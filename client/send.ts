/** Sending: seal, mine, post. */
import type { Bytes } from "../lib/minima/codec.ts";
import { encode } from "../lib/minima/codec.ts";
import { MAXIMA_VERSION } from "../lib/minima/constants.ts";
import { maximaPackage, maxTxPow, packageHash } from "../lib/minima/maxima.ts";
import { seal } from "../lib/seal/maxima.ts";
import { mine, type MiningProgress } from "../lib/work/mine.ts";
import type { Identity } from "./identity.ts";
import type { Quote, Relay, StoredMessage } from "./relay.ts";

/** A message, and how it is to be sent. */
export interface SendOptions {
  /** Where to post it. */
  relay: Relay;
  /** Who signs it. */
  from: Identity;
  /** SubjectPublicKeyInfo DER of the recipient. */
  to: Bytes;
  /** The Maxima application it is for. */
  application: string;
  /** What to send. */
  data: Bytes;
  /** Seconds that the relay is to hold it. */
  hold: number;
  /** Ends the mining with its reason. */
  signal?: AbortSignal | undefined;
  /** Told what the relay asks for, before it is mined. */
  onQuote?: ((quote: Quote) => void) | undefined;
  /** Told how the mining goes. */
  onMining?: ((progress: MiningProgress) => void) | undefined;
  /** Told how many bytes of how many are sent. */
  onUpload?: ((sent: number, total: number) => void) | undefined;
}

/** More than the bytes of any TxPoW that we mine, and of the version before. */
const WORK_BYTES = 512;

/** Seals a message to its recipient, does the work, and posts it. */
export async function send(options: SendOptions): Promise<StoredMessage> {
  const { relay, from, to, application, data, hold, signal, onUpload } =
    options;
  const sealed = await seal({
    to,
    from: from.key,
    application,
    data,
    time: Date.now(),
  });
  const size = encode(maximaPackage, sealed).length + WORK_BYTES;
  const quote = await relay.quote(size, hold);
  options.onQuote?.(quote);
  const txPow = await mine({
    customHash: packageHash(sealed),
    target: quote.target,
    time: Date.now(),
    signal,
    onProgress: options.onMining,
  });
  const envelope = encode(maxTxPow, {
    version: MAXIMA_VERSION,
    package: sealed,
    txPow,
  });
  const report = onUpload &&
    ((sent: number) => onUpload(sent, envelope.length));
  return await relay.postMessage(envelope, report);
}
