/** How a reader is sent what there is: whole, or what its link bears. */
import {
  type DeliveryMode,
  deliveryMode,
  DIGEST_ABOVE,
  PUSH_BYTES,
} from "../lib/link.ts";
import { Problem } from "../lib/problem.ts";

/** How a reader wants it: messages whole, or what its link bears. */
export const DELIVERIES = ["full", "link"] as const;

/** `full`, or the mode of a link. */
export type Delivery = "full" | DeliveryMode;

/** What a reader gets who has such a link and asks for that. */
export function deliveryOf(
  asked: typeof DELIVERIES[number],
  bandwidth: number,
): Delivery {
  return asked === "full" ? "full" : deliveryMode(bandwidth);
}

/** Bytes of the largest body that is sent unasked. */
export function maxBodyOf(delivery: Delivery): number {
  return { full: Infinity, push: PUSH_BYTES, digest: 0, hint: 0 }[delivery];
}

/**
 * Refuses to push to a link that is only ever polled (spec/nexus.md 20.2 N4).
 *
 * @throws {Problem} `malformed`
 */
export function requirePushable(delivery: Delivery): void {
  if (delivery !== "hint") return;
  throw new Problem(
    "malformed",
    `a link of at most ${DIGEST_ABOVE} bit/s is not streamed to: poll it`,
  );
}
