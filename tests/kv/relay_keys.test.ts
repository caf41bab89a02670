/** The relay's keys: made once, kept, or given. */
import assert from "node:assert/strict";
import { keys } from "../../kv/kinds.ts";
import { nativeSigner } from "../../kv/native_signing.ts";
import { loadRelayKeys, type RelayKeys } from "../../kv/relay_keys.ts";
import { openStore } from "../../kv/store/store.ts";
import { parsePublicKey } from "../../lib/seal/public_key.ts";
import { generateRsaKey } from "../../lib/seal/rsa.ts";
import { generateSigningKey, importSigningKey } from "../../lib/signing_key.ts";
import { randomBytes } from "../routes/envelopes.ts";
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

Deno.test("loadRelayKeys() takes the operator's keys, and stores no private one", async (t) => {
  const given = {
    signing: await generateSigningKey(),
    maxima: await generateRsaKey(2_048),
  };
  using plain = await openStore(":memory:");
  const all = named(await loadRelayKeys(plain, given));
  await t.step("both: the name of the signing key is kept", async () => {
    assert.deepEqual((await plain.get(keys.relayKeys())).value, {
      signer: all[1],
      former: [],
    });
  });
  await t.step("signing alone, in a new store: none is made", async () => {
    using store = await openStore(":memory:");
    const { signing } = given;
    const first = await loadRelayKeys(store, { signing });
    assert.deepEqual(first.former, []);
    const { value } = await store.get<object>(keys.relayKeys());
    assert.deepEqual(Object.keys(value ?? {}).sort(), [
      "former",
      "maxima",
      "signer",
    ]);
    assert.deepEqual(
      named(await loadRelayKeys(store, { signing })),
      named(first),
    );
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

/** One RSA key for all that follow, and as many signing keys as asked for. */
async function makeKeys(count: number) {
  const maxima = await generateRsaKey(2_048);
  const made = [];
  for (let i = 0; i < count; i++) {
    const signing = await generateSigningKey();
    const { jwk } = await importSigningKey(signing);
    made.push({ given: { signing, maxima }, jwk });
  }
  return made;
}

Deno.test("loadRelayKeys() notes the key that signed before, and when it ended", async (t) => {
  const [a, b, c] = await makeKeys(3);
  assert.ok(a && b && c);
  using store = await openStore(":memory:");
  const start = async (given: typeof a.given, now: number) =>
    (await loadRelayKeys(store, given, () => now)).former;
  await t.step("the first", async () => {
    assert.deepEqual(await start(a.given, 1_000), []);
  });
  await t.step("another", async () => {
    assert.deepEqual(await start(b.given, 2_000), [{ ...a.jwk, until: 2_000 }]);
  });
  await t.step("the same again: nothing is new", async () => {
    const before = await store.get(keys.relayKeys());
    assert.deepEqual(await start(b.given, 3_000), [{ ...a.jwk, until: 2_000 }]);
    assert.deepEqual(await store.get(keys.relayKeys()), before);
  });
  await t.step("a third: the last to end is in front", async () => {
    assert.deepEqual(await start(c.given, 4_000), [
      { ...b.jwk, until: 4_000 },
      { ...a.jwk, until: 2_000 },
    ]);
  });
  await t.step("one that comes back is former no more", async () => {
    assert.deepEqual(await start(a.given, 5_000), [
      { ...c.jwk, until: 5_000 },
      { ...b.jwk, until: 4_000 },
    ]);
  });
});

Deno.test("loadRelayKeys() notes the store's own key as former when the operator gives another, and the other way round", async () => {
  const [other] = await makeKeys(1);
  assert.ok(other);
  using store = await openStore(":memory:");
  const { signing: own } = await loadRelayKeys(store, {}, () => 1_000);
  const { signing } = other.given;
  const given = await loadRelayKeys(store, { signing }, () => 2_000);
  assert.deepEqual(given.former, [{ ...own.jwk, until: 2_000 }]);
  const back = await loadRelayKeys(store, {}, () => 3_000);
  assert.equal(back.signing.relayId, own.relayId);
  assert.deepEqual(back.former, [{ ...other.jwk, until: 3_000 }]);
});

Deno.test("loadRelayKeys() notes the key of a store from before keys were noted", async () => {
  const [old, given] = await makeKeys(2);
  assert.ok(old && given);
  using store = await openStore(":memory:");
  await store.commit((operation) => operation.set(keys.relayKeys(), old.given));
  const { former } = await loadRelayKeys(store, given.given, () => 7);
  assert.deepEqual(former, [{ ...old.jwk, until: 7 }]);
});

Deno.test("loadRelayKeys() notes the key that was replaced in the store", async () => {
  const [old, fresh] = await makeKeys(2);
  assert.ok(old && fresh);
  using store = await openStore(":memory:");
  const replace = async (stored: typeof old.given) => {
    const { value } = await store.get<object>(keys.relayKeys());
    await store.commit((operation) =>
      operation.set(keys.relayKeys(), { ...value, ...stored })
    );
  };
  await replace(old.given);
  await loadRelayKeys(store, {}, () => 1);
  await loadRelayKeys(store, old.given, () => 2);
  await replace(fresh.given);
  const { former, signing } = await loadRelayKeys(store, {}, () => 3);
  assert.deepEqual(signing.jwk, fresh.jwk);
  assert.deepEqual(former, [{ ...old.jwk, until: 3 }]);
});

Deno.test("loadRelayKeys() keeps 32 former keys, those that ended last", async () => {
  const made = await makeKeys(35);
  using store = await openStore(":memory:");
  let former: RelayKeys["former"] = [];
  for (const [now, { given }] of made.entries()) {
    former = (await loadRelayKeys(store, given, () => now)).former;
  }
  const expected = made.map(({ jwk }, i) => ({ ...jwk, until: i + 1 }))
    .slice(2, 34).reverse();
  assert.equal(former.length, 32);
  assert.deepEqual(former, expected);
});

Deno.test("loadRelayKeys() by several workers with a new key at once notes the old one once", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  const [old, fresh] = await makeKeys(2);
  assert.ok(old && fresh);
  using one = await openStore(file);
  using two = await openStore(file);
  await loadRelayKeys(one, old.given, () => 1);
  await Promise.allSettled(
    [one, two, one, two].map((store, i) =>
      loadRelayKeys(store, fresh.given, () => 2 + i)
    ),
  );
  const { former } = await loadRelayKeys(one, fresh.given, () => 9);
  assert.deepEqual(former.map(({ x }) => x), [old.jwk.x]);
  assert.ok((former[0]?.until ?? 9) < 9);
});

Deno.test("what signs natively signs as WebCrypto does, byte for byte", async () => {
  for (let n = 0; n < 5; n++) {
    const pkcs8 = await generateSigningKey();
    const { sign } = await importSigningKey(pkcs8);
    const native = nativeSigner(pkcs8);
    for (const length of [0, 1, 500, 70_000]) {
      const bytes = randomBytes(length);
      assert.deepEqual(native(bytes), await sign(bytes));
    }
  }
  assert.throws(() => nativeSigner(randomBytes(48)));
});
