/** What handshakes cost, and that it follows the rate of answers. */
import assert from "node:assert/strict";
import { MAX_HANDSHAKE_HASHES } from "../../lib/handshake.ts";
import { DEFAULT_WORK_PRICE, EMPTY_FILLS } from "../../lib/work/price.ts";
import {
  DEFAULT_HANDSHAKE_RATE,
  HANDSHAKE_HASHES,
  HandshakePrice,
} from "../../relay/handshake_price.ts";

const NOW = 1_790_000_000_000;
const LIMIT = 20;

/** A price after so many answers at once. */
function after(answers: number, limit = LIMIT): HandshakePrice {
  const price = new HandshakePrice(limit, DEFAULT_WORK_PRICE);
  for (let i = 0; i < answers; i++) price.note(NOW);
  return price;
}

Deno.test("HandshakePrice is more than the network minimum while there are few", () => {
  assert.equal(HANDSHAKE_HASHES, 20_000);
  assert.equal(DEFAULT_HANDSHAKE_RATE, 20);
  assert.equal(after(0).rate(NOW), 0);
  assert.equal(after(0).forOwner(NOW), HANDSHAKE_HASHES);
});

const BURSTS: readonly (readonly [answers: number, factor: number])[] = [
  [1, 1],
  [200, 1],
  [201, 2],
  [400, 2],
  [401, 4],
  [800, 4],
  [801, 8],
  [3_200, 16],
  [3_201, 32],
];

for (const [answers, factor] of BURSTS) {
  Deno.test(`HandshakePrice after a burst of ${answers} answers is ${factor} times as much`, () => {
    const price = after(answers);
    assert.ok(Math.abs(price.rate(NOW) - answers / 10) < 1e-9);
    assert.equal(price.forOwner(NOW), factor * HANDSHAKE_HASHES);
  });
}

Deno.test("HandshakePrice never asks for more than clients do", () => {
  const price = after(100_000);
  assert.equal(MAX_HANDSHAKE_HASHES, 1_000_000);
  assert.equal(price.forOwner(NOW), MAX_HANDSHAKE_HASHES);
  assert.equal(price.forNewcomer(NOW), MAX_HANDSHAKE_HASHES);
  const full = { mailbox: EMPTY_FILLS.mailbox, relay: { used: 1, quota: 1 } };
  assert.equal(after(0).forNewcomer(NOW, full), MAX_HANDSHAKE_HASHES);
});

Deno.test("HandshakePrice falls by itself, by half in seven seconds", () => {
  const price = after(400);
  assert.equal(price.forOwner(NOW), 2 * HANDSHAKE_HASHES);
  assert.ok(Math.abs(price.rate(NOW + 10_000) - 40 / Math.E) < 1e-9);
  assert.equal(price.forOwner(NOW + 6_900), 2 * HANDSHAKE_HASHES);
  assert.equal(price.forOwner(NOW + 7_000), HANDSHAKE_HASHES);
});

Deno.test("HandshakePrice of a steady rate is that of the rate", () => {
  const price = new HandshakePrice(LIMIT, DEFAULT_WORK_PRICE);
  for (let at = 0; at < 100_000; at += 20) price.note(NOW + at); // 50 a second
  const rate = price.rate(NOW + 100_000);
  assert.ok(rate > 49 && rate < 51, `${rate}`);
  assert.equal(price.forOwner(NOW + 100_000), 4 * HANDSHAKE_HASHES);
});

Deno.test("HandshakePrice is no cheaper for a clock that is set back", () => {
  const price = after(400);
  assert.equal(price.forOwner(NOW - 3_600_000), 2 * HANDSHAKE_HASHES);
});

Deno.test("HandshakePrice takes the operator's rate for what is many", () => {
  assert.equal(after(100, 1).forOwner(NOW), 16 * HANDSHAKE_HASHES);
  assert.equal(after(100, 1_000).forOwner(NOW), HANDSHAKE_HASHES);
});

Deno.test("HandshakePrice of a new mailbox is that of 1 KiB for 30 days", () => {
  const price = after(0);
  assert.equal(price.opening, 75_000);
  assert.equal(price.forNewcomer(NOW), 75_000);
  // It rises with the relay's fill: 30 % doubles it once.
  const relay = { used: 30, quota: 100 };
  const fills = { mailbox: EMPTY_FILLS.mailbox, relay };
  assert.equal(price.forNewcomer(NOW, fills), 150_000);
  // Opening is possible as long as the base was paid: the fill may have risen.
  assert.equal(price.opening, 75_000);
  assert.equal(after(1_000).forNewcomer(NOW), 160_000);
});

Deno.test("HandshakePrice takes old challenges until it is eight times theirs", () => {
  const asked = HANDSHAKE_HASHES;
  const table: [answers: number, least: number][] = [
    [0, asked],
    [1_600, asked],
    [1_601, 2 * asked],
    [3_201, 4 * asked],
  ];
  for (const [answers, least] of table) {
    assert.equal(after(answers).least(asked, NOW), least, `${answers}`);
  }
  assert.equal(after(0).least(500_000, NOW), 500_000);
});
