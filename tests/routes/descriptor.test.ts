/** How long a relay's word on itself may be kept, and how it is asked again. */
import assert from "node:assert/strict";
import { VERSION } from "../../lib/version.ts";
import { hexTarget, targetOf } from "../../lib/work/target.ts";
import { TestRelay } from "./relay_fixture.ts";

const PATH = "/.well-known/restante";

Deno.test("the descriptor may be kept for a minute by anybody, and is asked for by its tag", async (t) => {
  using relay = await TestRelay.open();
  const first = await relay.fetch(PATH);
  assert.equal(first.headers.get("Cache-Control"), "public, max-age=60");
  const tag = first.headers.get("ETag") ?? "";
  assert.match(tag, /^W\/"[0-9a-f]{32}"$/);
  await first.body?.cancel();
  relay.clock.advance(1);
  const conditions: Readonly<Record<string, number>> = {
    [tag]: 304,
    [tag.slice(2)]: 304,
    [`"other", ${tag}`]: 304,
    "*": 304,
    '"other"': 200,
    [`${tag.slice(0, -2)}x"`]: 200,
    [`${tag.slice(0, -1)}0"`]: 200,
    [tag.toUpperCase()]: 200,
    [tag.slice(3, -1)]: 200,
    "": 200,
  };
  for (const [condition, status] of Object.entries(conditions)) {
    await t.step(`If-None-Match: ${condition}`, async () => {
      const headers = { "If-None-Match": condition };
      const answer = await relay.fetch(PATH, { headers });
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get("ETag"), tag);
      assert.equal((await answer.text()) === "", status === 304);
    });
  }
});

Deno.test("the descriptor says what the relay goes by, each in its unit", async () => {
  using relay = await TestRelay.open();
  const { keys, price, limits, window, tariff } = relay.relay;
  const former = [{ ...keys.signing.jwk, kid: "of the test", until: 7 }];
  using renewed = await TestRelay.open({
    keys: { ...keys, former: former as unknown as typeof keys.former },
    clock: relay.clock,
  });
  const { id, address, version, ...facts } = await (await renewed.fetch(PATH))
    .json();
  assert.equal(id, keys.signing.relayId);
  assert.match(address, /^Mx[0-9A-Z]+@relay\.test:443$/);
  assert.equal(version, VERSION);
  assert.deepEqual(facts, {
    url: "https://relay.test",
    keys: {
      maxima: keys.maxima.publicKey.toHex(),
      signing: keys.signing.jwk,
      former,
    },
    work: {
      hash: "sha3-256",
      minimum: hexTarget(targetOf(10_000)),
      hashes: price.hashes,
      bytes: price.bytes,
      seconds: price.seconds,
      windowSeconds: window.back / 1_000,
    },
    limits: {
      packageBytes: limits.packageBytes,
      txpowBytes: limits.txPowBytes,
      objectBytes: 327_687,
      holdSeconds: { min: 3_600, max: 30 * 86_400 },
    },
    prices: { unit: "μ", ...tariff },
    time: relay.clock.time,
  });
});
