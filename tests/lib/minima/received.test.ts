/** Hashing a part as it was received, and what was made of it as it is now. */
import assert from "node:assert/strict";
import { encode, flag, Reader, struct } from "../../../lib/minima/codec.ts";
import {
  maximaPackage,
  maxTxPow,
  packageHash,
} from "../../../lib/minima/maxima.ts";
import { decodeMaxTxPow } from "../../../lib/minima/maxtxpow.ts";
import { bytesOf, receive } from "../../../lib/minima/received.ts";
import { txBody } from "../../../lib/minima/txpow.ts";
import { bodyHash, txPowId } from "../../../lib/minima/txpow_facts.ts";
import { txHeader } from "../../../lib/minima/txheader.ts";
import { sha3_256 } from "../../../lib/hash.ts";
import { makeEnvelope, makePackage } from "../../routes/envelopes.ts";

const NOW = 1_790_000_000_000;

function envelope() {
  const to = new Uint8Array(44).fill(7);
  return makeEnvelope({ package: makePackage(to, 900), time: NOW });
}

Deno.test("decodeMaxTxPow() gives parts that hash as what they encode to", () => {
  const made = envelope();
  const read = decodeMaxTxPow(encode(maxTxPow, made));
  const { header, body } = read.txPow;
  assert.ok(body);
  assert.deepEqual(packageHash(read.package), packageHash(made.package));
  assert.deepEqual(txPowId(header), sha3_256(encode(txHeader, header)));
  assert.deepEqual(bodyHash(body), sha3_256(encode(txBody, body)));
});

Deno.test("bytesOf() a part is a view of what was received, and nothing beside it", () => {
  const made = makePackage(new Uint8Array(44), 30);
  const own = encode(maximaPackage, made);
  const all = new Uint8Array([1, 2, ...own, 3]);
  const reader = new Reader(all, { strict: true });
  reader.take(2);
  const read = receive(maximaPackage, reader);
  const bytes = bytesOf(maximaPackage, read);
  assert.deepEqual(bytes, own);
  assert.equal(bytes.buffer, all.buffer);
  assert.equal(reader.remaining, 1);
});

Deno.test("bytesOf() a part that was not canonical are those that it encodes to", () => {
  const loose = new Uint8Array([2]); // a flag that is true, and not written as 1
  const read = receive(struct({ isSet: flag }), new Reader(loose));
  assert.deepEqual(
    bytesOf(struct({ isSet: flag }), read),
    new Uint8Array([1]),
  );
});

Deno.test("bytesOf() what is made of a part are its own bytes", () => {
  const { txPow: { header, body }, package: sealed } = decodeMaxTxPow(
    encode(maxTxPow, envelope()),
  );
  assert.ok(body);
  const other = new Uint8Array(32).fill(9);
  const header2 = { ...header, customHash: other };
  assert.deepEqual(txPowId(header2), sha3_256(encode(txHeader, header2)));
  assert.notDeepEqual(txPowId(header2), txPowId(header));
  assert.notDeepEqual(bodyHash({ ...body, prng: other }), bodyHash(body));
  const sealed2 = { ...sealed, data: other };
  assert.notDeepEqual(packageHash(sealed2), packageHash(sealed));
});
