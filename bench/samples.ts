/** Times of a message: from its post and from its answer to its arrival. */
import type { Bytes } from "../lib/bytes.ts";
import { systemRandom } from "../lib/random.ts";
import type { Arrivals } from "./arrivals.ts";
import { postEnvelope } from "./owned_mail.ts";

/** Milliseconds of one message. */
export interface Sample {
  /** From the start of the post to the message at its reader. */
  readonly fromSent: number;
  /** From the answer at the sender to it; negative if the message was first. */
  readonly fromAnswer: number;
}

/** Posts bodies, one after the other; gives the last answer as well. */
export async function postAndHear(
  url: string,
  bodies: readonly Bytes[],
  arrivals: Arrivals,
): Promise<{ samples: Sample[]; answer: string }> {
  const samples: Sample[] = [];
  let answer = "";
  for (const body of bodies) {
    const arrival = arrivals.next();
    const sent = performance.now();
    answer = await postEnvelope(url, body);
    const answered = performance.now();
    const arrived = await arrival;
    samples.push({ fromSent: arrived - sent, fromAnswer: arrived - answered });
  }
  return { samples, answer };
}

/**
 * One watcher of one key, and a read of what it points at: milliseconds from
 * the end of each commit, of so many.
 */
export async function commitAndHear(
  kv: Deno.Kv,
  times: number,
): Promise<number[]> {
  const events = kv.watch([["head"]]).getReader();
  await events.read();
  const samples: number[] = [];
  for (let i = 0; i < times; i++) {
    const id = crypto.randomUUID();
    const heard = events.read().then(async () => {
      await kv.get(["message", id]);
      return performance.now();
    });
    const body = systemRandom(BODY);
    await kv.atomic().set(["head"], id).set(["message", id], body).commit();
    const committed = performance.now();
    samples.push(await heard - committed);
  }
  await events.cancel();
  return samples;
}

/** Bytes of a body of the bare watch's. */
const BODY = 1_500;

/** The middle and the end of what was measured, as a table shows them. */
export interface Spread {
  /** Milliseconds that half of the samples do not exceed. */
  readonly p50: number;
  /** And ninety-nine of a hundred. */
  readonly p99: number;
}

/** The spread of samples. */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.floor(share * (sorted.length - 1))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
