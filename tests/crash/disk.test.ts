/** Disks that are full, or cannot be written any more. */
import assert from "node:assert/strict";
import { RelayProcess } from "../journeys/process.ts";
import { assertNoTraces } from "./verdict.ts";
import { Disk, mayMount } from "./disk.ts";
import { DiskRelay } from "./disk_relay.ts";
import type { Posting } from "./posting.ts";

const ignore = !await mayMount();

/** Posts until so many were refused; gives those. */
async function postUntilRefused(
  relay: DiskRelay,
  sizes: readonly number[],
): Promise<Posting[]> {
  const refused: Posting[] = [];
  for (let tries = 0; refused.length < 6; tries++) {
    assert.ok(tries < 200, "a full disk takes no more");
    const posting = await relay.message(sizes[tries % sizes.length] ?? 200);
    if (!await relay.tryToStore(posting)) refused.push(posting);
  }
  return refused;
}

Deno.test({
  name: "on a full disk posts are busy, reads work, and nothing is half stored",
  ignore,
  async fn() {
    await using disk = await Disk.make(24);
    await using relay = await DiskRelay.start(disk);
    for (const size of [200, 4_200, 60_000]) {
      await relay.store(await relay.message(size));
    }
    await disk.fill();
    const refused = await postUntilRefused(relay, [60_000, 4_200, 200]);
    await relay.assertComplete();

    await disk.empty();
    for (const posting of refused.slice(1)) await relay.store(posting);
    await relay.store(await relay.message(60_000));
    await relay.assertComplete();
    await relay.relay.end("SIGTERM");
    await assertNoTraces(disk.file("store.kv"), refused.slice(0, 1));
  },
});

Deno.test({
  name: "a relay that is killed on a full disk has everything it answered for",
  ignore,
  async fn() {
    await using disk = await Disk.make(24);
    await using relay = await DiskRelay.start(disk);
    await relay.store(await relay.message(4_200));
    await disk.fill();
    const refused = await postUntilRefused(relay, [60_000, 200]);
    await relay.relay.end("SIGKILL");
    // It has nothing to write at its start: what is there can be read.
    await relay.restart();
    await relay.assertComplete();
    refused.push(...await postUntilRefused(relay, [60_000, 200]));
    await disk.empty();
    for (const posting of refused) await relay.store(posting);
    await relay.assertComplete();
  },
});

Deno.test({
  name: "on a disk that fails posts are busy, and what was answered is on it",
  ignore,
  async fn() {
    await using disk = await Disk.make(24);
    await using relay = await DiskRelay.start(disk);
    for (const size of [200, 4_200, 60_000]) {
      await relay.store(await relay.message(size));
    }
    await disk.fail();
    const refused: Posting[] = [];
    for (const size of [200, 4_200, 60_000]) {
      const posting = await relay.message(size);
      assert.equal(await relay.tryToStore(posting), false);
      refused.push(posting);
    }
    await relay.assertComplete();
    await relay.relay.end("SIGKILL");
    await disk.unmount();
    await disk.mount("rw");
    await relay.restart();
    await relay.assertComplete();
    for (const posting of refused) await relay.store(posting);
    await relay.assertComplete();
  },
});

Deno.test({
  name: "a relay does not start on a read-only store, and leaves it as it is",
  ignore,
  async fn() {
    await using disk = await Disk.make(24);
    await using relay = await DiskRelay.start(disk);
    await relay.store(await relay.message(4_200));
    await relay.relay.end("SIGTERM");
    await disk.unmount();
    await disk.mount("ro");
    const kv = disk.file("store.kv");
    await assert.rejects(
      RelayProcess.start("--port", "0", "--kv", kv),
      /Read-only file system/,
    );
    await disk.unmount();
    await disk.mount("rw");
    await relay.restart();
    await relay.assertComplete();
  },
});
