/** `verify-receipt`, run as a person runs it, when the relay's key was changed. */
import assert from "node:assert/strict";
import { makeIdentity } from "../../client/identity.ts";
import { Relay } from "../../client/relay.ts";
import { send } from "../../client/send.ts";
import { Session } from "../../client/session.ts";
import { signReceipt, verifyReceipt } from "../../lib/receipt.ts";
import { generateSigningKey, importSigningKey } from "../../lib/signing_key.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { listen } from "../routes/listening_relay.ts";
import { restante } from "./process.ts";

Deno.test("verify-receipt takes a receipt of a former key, and none that key signed later", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  const [before, after] = [
    await generateSigningKey(),
    await generateSigningKey(),
  ];
  let receipt, jti;
  const clock = { time: Date.now() - 10_000 };
  {
    await using relay = await listen(file, () => clock.time, {
      signingKey: before,
      maximaKey: null,
    });
    const client = new Relay(relay.url);
    const [from, to] = [await makeIdentity(1_024), await makeIdentity(1_024)];
    await new Session(client, to).open();
    const sent = await send({
      relay: client,
      from,
      to: to.key.publicKey,
      application: "test",
      data: new Uint8Array(10),
      hold: 3_600,
    });
    ({ receipt, id: jti } = sent);
  }
  clock.time += 10_000;
  await using relay = await listen(file, () => clock.time, {
    signingKey: after,
    maximaKey: null,
  });
  const descriptor = await fetch(`${relay.url}/.well-known/restante`);
  const { keys } = await descriptor.json();
  assert.equal(keys.former[0].until, clock.time);
  const verify = (jws: string) =>
    restante(["verify-receipt", jws, "--relay", relay.url, "--json"]);

  const good = await verify(receipt);
  assert.equal(good.code, 0, good.stderr);
  const { valid, former, receipt: said } = JSON.parse(good.stdout);
  assert.deepEqual([valid, former, said.jti], [true, true, jti]);

  const key = await importSigningKey(before);
  const text = await restante(
    ["verify-receipt", receipt, "--relay", relay.url],
  );
  const until = new Date(clock.time).toISOString().slice(0, 16);
  assert.match(
    text.stdout,
    new RegExp(`^valid\nrelay    ${key.relayId}, a former key, until ${until}`),
  );
  const { iss: _, ...facts } = await verifyReceipt(receipt, key);
  const late = Math.floor(clock.time / 1_000) + 1;
  const bad = await verify(await signReceipt(key, { ...facts, iat: late }));
  const { code, detail } = JSON.parse(bad.stderr);
  assert.equal(code, "receipt-invalid");
  assert.match(detail, /its key had ended/);
  assert.deepEqual([bad.code === 0, bad.stdout], [false, ""]);

  const present = await importSigningKey(after);
  const now = await signReceipt(present, { ...facts, iat: late });
  assert.equal(JSON.parse((await verify(now)).stdout).former, false);
  const { stdout } = await restante(
    ["verify-receipt", now, "--relay", relay.url],
  );
  assert.ok(stdout.startsWith(`valid\nrelay    ${present.relayId}\nmessage`));
});

Deno.test("verify-receipt goes by no relay whose id is not its key's, nor one with a former key that has not ended", async () => {
  const key = await importSigningKey(await generateSigningKey());
  const other = await importSigningKey(await generateSigningKey());
  const descriptor = {
    id: key.relayId,
    url: "http://127.0.0.1",
    address: "",
    keys: { maxima: "00", signing: other.jwk, former: [] },
  };
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => Response.json(descriptor),
  );
  try {
    const url = `http://127.0.0.1:${server.addr.port}`;
    const coming = { ...other.jwk, until: Date.now() + 3_600_000 };
    const ended = { ...key.jwk, until: 1 };
    for (
      const keys of [
        {},
        { signing: other.jwk, former: [ended] }, // the id is a former key's
        { signing: key.jwk, former: [{ x: "AA" }] },
        { signing: key.jwk, former: [coming] },
      ]
    ) {
      Object.assign(descriptor.keys, keys);
      const { code, stdout, stderr } = await restante(
        ["verify-receipt", "a.b.c", "--relay", url],
      );
      assert.match(stderr, /\(relay-nonsense\)\n$/);
      assert.deepEqual([code === 0, stdout], [false, ""]);
    }
  } finally {
    await server.shutdown();
  }
});
