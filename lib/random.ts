/** Where random bytes come from, passed in so that tests can choose them. */
import type { Bytes } from "./bytes.ts";

/** Gives that many random bytes. */
export type RandomBytes = (length: number) => Bytes;

/** The platform's cryptographic generator. */
export const systemRandom: RandomBytes = (length) =>
  crypto.getRandomValues(new Uint8Array(length));
