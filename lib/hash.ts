/**
 * The hashes of restante: SHA3-256 (FIPS 202) wherever Minima hashes,
 * BLAKE3-256 for the address of a stored object, SHA-256 (FIPS 180-4) where
 * others are to prove it (RFC 6962). All give 32 bytes.
 *
 * The WebAssembly of hash-wasm is the fastest of those measured at every size
 * the relay sees, and the same in Deno, browsers and Node.
 */
import { createBLAKE3, createSHA256, createSHA3 } from "hash-wasm";
import type { Bytes } from "./bytes.ts";

const sha3 = await createSHA3(256);
const blake3 = await createBLAKE3(256);
const sha2 = await createSHA256();

/** `H(x)` of spec/maxima.md section 1: one pass of NIST SHA3-256. */
export function sha3_256(bytes: Uint8Array): Bytes {
  return sha3.init().update(bytes).digest("binary") as Bytes;
}

/** The address of an object: BLAKE3-256 of its bytes (spec/nexus.md O1). */
export function blake3_256(bytes: Uint8Array): Bytes {
  return blake3.init().update(bytes).digest("binary") as Bytes;
}

/** SHA-256 of the parts one after another: of nothing, if there are none. */
export function sha256(...parts: readonly Uint8Array[]): Bytes {
  sha2.init();
  for (const part of parts) sha2.update(part);
  return sha2.digest("binary") as Bytes;
}
