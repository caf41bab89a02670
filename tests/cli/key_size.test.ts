/** What the owner of a key of some size is told. */
import assert from "node:assert/strict";
import { DEFAULT_BITS, warningsOfKey } from "../../cli/key_size.ts";
import { makeIdentity } from "../../client/mod.ts";

Deno.test("a new key is of a size that genuine nodes keep, without a warning", async () => {
  assert.equal(DEFAULT_BITS, 1_536);
  const { key } = await makeIdentity(DEFAULT_BITS);
  assert.equal(key.publicKey.length, 226);
  assert.deepEqual(warningsOfKey(DEFAULT_BITS, key.publicKey.length), []);
});

Deno.test("warningsOfKey() warns of weak keys, of those that genuine nodes cannot keep, and of others", () => {
  const table: [bits: number, bytes: number, expected: RegExp][] = [
    [1_024, 162, /^a key of 1024 bits is weak: new ones have 1536$/],
    [1_535, 226, /^a key of 1535 bits is weak/],
    [1_537, 227, /^a key of 1537 bits is unusual/],
    [1_768, 255, /^a key of 1768 bits is unusual/],
    [
      1_776,
      256,
      /^genuine Minima nodes keep no contact whose key has 256 bytes: 255 is the most$/,
    ],
    [
      2_048,
      294,
      /^genuine Minima nodes keep no contact whose key has 294 bytes/,
    ],
    [
      4_096,
      550,
      /^genuine Minima nodes keep no contact whose key has 550 bytes/,
    ],
  ];
  for (const [bits, bytes, expected] of table) {
    const [warning = "", ...others] = warningsOfKey(bits, bytes);
    assert.match(warning, expected);
    assert.deepEqual(others, []);
  }
});
