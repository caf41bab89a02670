/** A store that cannot keep the promise is refused, and it is said why. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import { probe, StoreUnfitError } from "../../../kv/store/probe.ts";

const EPOCH = "0".repeat(12);

async function openKv(): Promise<Deno.Kv> {
  const kv = await Deno.openKv(":memory:");
  await kv.set(keys.store(), { epoch: EPOCH, createdAt: 0 });
  return kv;
}

/** A database of which some members are other than they should be. */
function spoilt(kv: Deno.Kv, members: Partial<Deno.Kv>): Deno.Kv {
  return new Proxy(kv, {
    get(target, name) {
      const member: unknown = Reflect.get(members, name) ??
        Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

Deno.test("probe() passes Deno's own database and leaves nothing behind", async () => {
  using kv = await openKv();
  await probe({ kv, watchKv: kv, epoch: EPOCH });
  assert.deepEqual(
    (await Array.fromAsync(kv.list({ prefix: ["trial"] }))).length,
    0,
  );
});

Deno.test("probe() refuses a store that does not keep what is written to it", async () => {
  using kv = await openKv();
  using other = await Deno.openKv(":memory:");
  const refused = {
    name: StoreUnfitError.name,
    code: "store-unfit",
    message: /opened again/,
  };
  await assert.rejects(probe({ kv, watchKv: other, epoch: EPOCH }), refused);
});

Deno.test("probe() refuses a store that does not number what is written to it", async () => {
  using kv = await openKv();
  const unnumbered = spoilt(kv, {
    async set(key: Deno.KvKey, value: unknown) {
      return await kv.set(
        key.map((part) => typeof part === "symbol" ? "1" : part),
        value,
      );
    },
  } as Partial<Deno.Kv>);
  const refused = { code: "store-unfit", message: /number/ };
  await assert.rejects(
    probe({ kv: unnumbered, watchKv: kv, epoch: EPOCH }),
    refused,
  );
});

Deno.test("probe() refuses a store whose watch tells of something else", async () => {
  using kv = await openKv();
  const deaf = spoilt(kv, {
    watch: () =>
      ReadableStream.from([[{ key: [], value: null, versionstamp: null }], [{
        key: [],
        value: null,
        versionstamp: null,
      }]]),
  } as unknown as Partial<Deno.Kv>);
  const refused = { code: "store-unfit", message: /watched/ };
  await assert.rejects(probe({ kv, watchKv: deaf, epoch: EPOCH }), refused);
});
