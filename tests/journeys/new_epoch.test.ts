/**
 * A relay's file is copied by `cp`, the disk is lost, and the copy put back: its
 * readers hold cursors of mail that is lost, and miss nothing of what comes.
 */
import assert from "node:assert/strict";
import {
  makeIdentity,
  readPage,
  Relay,
  send,
  Session,
} from "../../client/mod.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { RelayProcess, restante, restanteJson } from "./process.ts";

Deno.test("a relay on an old copy of its file hides no mail once it has a new epoch", async () => {
  await using folder = await TempDirectory.make();
  const [store, copy] = [folder.file("store.kv"), folder.file("copy.kv")];
  let relay = await RelayProcess.start("--port", "0", "--kv", store);
  const { url } = relay;
  const restart = async () => {
    const { port } = new URL(url);
    relay = await RelayProcess.start("--port", port, "--kv", store);
  };
  try {
    const client = new Relay(url);
    const bob = new Session(client, await makeIdentity(1_024));
    await bob.open();
    const alice = await makeIdentity(1_024);
    const post = () =>
      send({
        relay: client,
        from: alice,
        to: bob.identity.key.publicKey,
        application: "test",
        data: crypto.getRandomValues(new Uint8Array(100)),
        hold: 3_600,
      });
    const kept = await post();
    const object = await bob.fetch(`/v1/objects/${kept.object}`);
    const envelope = await object.bytes();
    await relay.end("SIGTERM");
    await Deno.copyFile(store, copy);
    await restart();
    await post();
    const { next } = await readPage(bob, null);
    await relay.end("SIGKILL");
    for (const end of ["-wal", "-shm"]) {
      await Deno.remove(store + end).catch(() => {}); // it may not be there
    }
    await Deno.copyFile(copy, store);

    const { former, epoch } = await restanteJson<Record<string, string>>(
      "new-epoch",
      "--kv",
      store,
    );
    assert.match(epoch ?? "", /^[0-9a-f]{12}$/);
    assert.equal(former, kept.cursor.slice(0, 12));
    assert.notEqual(epoch, former);

    await restart();
    const fresh = await post();
    const page = await readPage(bob, next);
    assert.equal(page.reset, true);
    assert.deepEqual(page.messages.map(({ id }) => id), [kept.id, fresh.id]);
    const again = await fetch(`${url}/v1/messages?hold=3600`, {
      method: "POST",
      headers: { "Content-Type": "application/vnd.minima.maxtxpow" },
      body: envelope,
    });
    assert.equal(again.status, 200);
    const { receipt } = await again.json();
    assert.equal(receipt, kept.receipt, "byte for byte");
  } finally {
    await relay[Symbol.asyncDispose]();
  }
});

Deno.test("new-epoch says that no relay may run, and what it did", async () => {
  await using folder = await TempDirectory.make();
  const store = folder.file("store.kv");
  const help = await restante(["new-epoch", "--help"]);
  assert.match(help.stdout, /No relay may use the store\s+meanwhile/);
  const missing = await restante(["new-epoch", "--kv", store]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /\(store-missing\)\n$/);
  await assert.rejects(Deno.stat(store), Deno.errors.NotFound);
  const relay = await RelayProcess.start("--port", "0", "--kv", store);
  const early = await restante(["new-epoch", "--kv", store]);
  assert.equal(early.code, 1);
  assert.match(early.stderr, /\(store-in-use\)\n$/);
  await relay.end("SIGTERM");
  const { code, stdout } = await restante(["new-epoch", "--kv", store]);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^store {5}.*store\.kv\nformer {4}[0-9a-f]{12}\nepoch {5}[0-9a-f]{12}\n$/,
  );
});
