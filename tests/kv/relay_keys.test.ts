/** The relay's keys: made once, kept, or given. */
import assert from "node:assert/strict";
import { keys } from "../../kv/kinds.ts";
import { loadRelayKeys, type RelayKeys } from "../../kv/relay_keys.ts";
import { openStore } from "../../kv/store/store.ts";
import { parsePublicKey } from "../../lib/seal/public_key.ts";
import { generateRsaKey } from "../../lib/seal/rsa.ts";
import { generateSigningKey } from "../../lib/signing_key.ts";
import { TempDirectory } from "./temp_directory.ts";

/** What tells one pair of keys from another. */
function named({ signing, maxima }: RelayKeys): string[] {
  return [signing.relayId, signing.jwk.x, maxima.publicKey.toHex()];
}

Deno.test("loadRelayKeys() makes keys at the first start, and has the same ever after", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  let first: string[] | undefined;
  for (let start = 0; start < 3; start++) {
    using store = await openStore(file);
    const loaded = named(await loadRelayKeys(store));
    first ??= loaded;
    assert.deepEqual(loaded, first);
  }
  using other = await openStore(":memory:");
  assert.notDeepEqual(named(await loadRelayKeys(other)), first);
});

Deno.test("loadRelayKeys() makes an RSA key of 2048 bits", async () => {
  using store = await openStore(":memory:");
  const { maxima } = await loadRelayKeys(store);
  const key = parsePublicKey(maxima.publicKey);
  assert.ok(key.kind === "rsa");
  assert.equal(key.bits, 2_048);
});

Deno.test("loadRelayKeys() gives all workers that start at once the same keys", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  using one = await openStore(file);
  using two = await openStore(file);
  const loaded = await Promise.allSettled(
    [one, two, one, two].map((store) => loadRelayKeys(store)),
  );
  const names = loaded.map((result) =>
    result.status === "fulfilled"
      ? named(result.value).join()
      : String(result.reason)
  );
  assert.equal(new Set(names).size, 1, names.join("\n"));
});

Deno.test("loadRelayKeys() takes the operator's keys, and does not store them", async (t) => {
  const given = {
    signing: await generateSigningKey(),
    maxima: await generateRsaKey(2_048),
  };
  using plain = await openStore(":memory:");
  const all = named(await loadRelayKeys(plain, given));
  await t.step("both: nothing is kept", async () => {
    assert.equal((await plain.get(keys.relayKeys())).value, null);
  });
  for (const name of ["signing", "maxima"] as const) {
    await t.step(`${name} alone: the other is the store's`, async () => {
      using store = await openStore(":memory:");
      const own = named(await loadRelayKeys(store));
      const mixed = named(
        await loadRelayKeys(store, { [name]: given[name] }),
      );
      const expected = name === "signing"
        ? [all[0], all[1], own[2]]
        : [own[0], own[1], all[2]];
      assert.deepEqual(mixed, expected);
      const kept = JSON.stringify(
        (await store.get(keys.relayKeys())).value,
        (_, value) => value instanceof Uint8Array ? value.toHex() : value,
      );
      assert.ok(!kept.includes(given[name].toHex()));
    });
  }
});

Deno.test("loadRelayKeys() refuses an RSA key of under 2048 bits", async () => {
  using store = await openStore(":memory:");
  const maxima = await generateRsaKey(1_024);
  await assert.rejects(loadRelayKeys(store, { maxima }));
});

Deno.test("loadRelayKeys() refuses keys that are none", async () => {
  using store = await openStore(":memory:");
  const rsa = await generateRsaKey(2_048);
  const ed25519 = await generateSigningKey();
  const table = [
    { signing: new Uint8Array(10) },
    { signing: rsa },
    { maxima: new Uint8Array(10) },
    { maxima: ed25519 },
  ];
  for (const given of table) await assert.rejects(loadRelayKeys(store, given));
});
