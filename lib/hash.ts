/**
 * The two hashes of restante: SHA3-256 (FIPS 202) wherever Minima hashes, and
 * BLAKE3-256 for the address of a stored object. Both give 32 bytes.
 *
 * The WebAssembly of hash-wasm is the fastest of those measured at every size
 * the relay sees, and the same in Deno, browsers and Node.
 */
import { createBLAKE3, createSHA3 } from "hash-wasm";
import type { Bytes } from "./bytes.ts";

const sha3 = await createSHA3(256);
const blake3 = await createBLAKE3(256);

/** `H(x)` of spec/maxima.md section 1: one pass of NIST SHA3-256. */
export function sha3_256(bytes: Uint8Array): Bytes {
  return sha3.init().update(bytes).digest("binary") as Bytes;
}

/** The address of an object: BLAKE3-256 of its bytes (spec/nexus.md O1). */
export function blake3_256(bytes: Uint8Array): Bytes {
  return blake3.init().update(bytes).digest("binary") as Bytes;
}
