/** Messages that were paid for, in a file, and mailboxes to post them to. */
import { completeHandshake } from "../kv/mail/mailboxes.ts";
import { openStore } from "../kv/store/store.ts";
import type { Bytes } from "../lib/bytes.ts";
import { type MailboxId, mailboxIdOf } from "../lib/ids.ts";
import { encode } from "../lib/minima/codec.ts";
import { MAXIMA_VERSION, MIN_HASHES } from "../lib/minima/constants.ts";
import { maxTxPow, packageHash } from "../lib/minima/maxima.ts";
import { systemRandom } from "../lib/random.ts";
import { generateRsaKey, importRsaKey } from "../lib/seal/rsa.ts";
import { mine } from "../lib/work/mine.ts";
import { targetOf } from "../lib/work/target.ts";

/** Whose mailboxes they are: public keys as they are written to. */
export async function makeOwners(count: number): Promise<Bytes[]> {
  const owners: Bytes[] = [];
  while (owners.length < count) {
    const key = await importRsaKey(await generateRsaKey(1_024));
    owners.push(key.publicKey);
  }
  return owners;
}

/** Opens their mailboxes in a store that no relay has opened yet. */
export async function openMailboxes(
  location: string,
  owners: readonly Bytes[],
): Promise<MailboxId[]> {
  using store = await openStore(location);
  const now = Date.now();
  await Promise.all(owners.map((publicKey) => {
    const id = systemRandom(16).toHex();
    const answered = { id, expires: now + 60_000, publicKey };
    return completeHandshake(store, answered, now);
  }));
  return owners.map(mailboxIdOf);
}

/**
 * Writes messages to owners in turn, each of so many sealed bytes. What is sealed
 * is random, for a relay cannot tell.
 */
export async function writeMessages(
  file: string,
  owners: readonly Bytes[],
  { count, bytes }: { readonly count: number; readonly bytes: number },
): Promise<void> {
  await writeBodies(file, mineAll(owners, count, bytes));
}

/** Writes bodies for a poster to read, each behind the u32 of its length. */
export async function writeBodies(
  file: string,
  bodies: Iterable<Bytes> | AsyncIterable<Bytes>,
): Promise<void> {
  using out = await Deno.open(file, { write: true, create: true });
  const writer = out.writable.getWriter();
  for await (const body of bodies) {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, body.length);
    await writer.write(length);
    await writer.write(body);
  }
  await writer.close();
}

async function* mineAll(
  owners: readonly Bytes[],
  count: number,
  bytes: number,
): AsyncGenerator<Bytes> {
  for (let i = 0; i < count; i++) {
    yield await mineTo(owners[i % owners.length] ?? new Uint8Array(), bytes);
  }
}

async function mineTo(to: Bytes, bytes: number): Promise<Bytes> {
  const sealed = { version: MAXIMA_VERSION, to, data: systemRandom(bytes) };
  const txPow = await mine({
    customHash: packageHash(sealed),
    target: targetOf(MIN_HASHES),
    time: Date.now(),
  });
  return encode(maxTxPow, { version: MAXIMA_VERSION, package: sealed, txPow });
}
