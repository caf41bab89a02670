/** Old work sent again where its mark ends, or was made to end, too early. */
import assert from "node:assert/strict";
import { sweep } from "../../kv/mail/sweep.ts";
import { type KeptWindow, widenWindow } from "../../kv/mail/window.ts";
import { openStore } from "../../kv/store/store.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { DEFAULT_WINDOW } from "../../lib/work/check.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { Clock, HOUR } from "../routes/clock.ts";
import { Owner, postEnvelope } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";

/** A worker that starts with a window of so many hours. */
async function start(
  kv: string,
  clock: Clock,
  hours: number,
): Promise<TestRelay> {
  let window: KeptWindow;
  {
    using store = await openStore(kv, clock.now);
    const wanted = { back: hours * HOUR, ahead: DEFAULT_WINDOW.ahead };
    window = await widenWindow(store, wanted, clock.now());
  }
  return await TestRelay.open({ kv, clock, window });
}

/** The statuses of one envelope, posted every hour and swept before. */
async function postHourly(
  worker: TestRelay,
  envelope: Bytes,
  hours: number,
): Promise<Set<number>> {
  const statuses = new Set<number>();
  for (let hour = 0; hour < hours; hour++) {
    worker.clock.advance(HOUR);
    await sweep(worker.relay.store, { now: worker.clock.now });
    const response = await postEnvelope(worker, envelope);
    await response.body?.cancel();
    statuses.add(response.status);
  }
  return statuses;
}

Deno.test("work whose mark was made before the window was raised does not pay again when that mark ends", async () => {
  await using directory = await TempDirectory.make();
  const [file, clock] = [directory.file("store.kv"), new Clock()];
  let envelope: Bytes;
  {
    using narrow = await start(file, clock, 24);
    const owner = await Owner.open(narrow);
    envelope = owner.envelope({ time: clock.time + DEFAULT_WINDOW.ahead });
    const { cursor } = await owner.receive(envelope);
    assert.equal((await owner.acknowledge(cursor)).status, 200);
  }
  using wide = await start(file, clock, 72);
  assert.deepEqual(await postHourly(wide, envelope, 80), new Set([200, 428]));
});

Deno.test("work that a worker of the former window takes during a change of workers does not pay again", async () => {
  await using directory = await TempDirectory.make();
  const [file, clock] = [directory.file("store.kv"), new Clock()];
  using narrow = await start(file, clock, 24);
  using wide = await start(file, clock, 72);
  clock.advance(23 * HOUR);
  const owner = await Owner.open(narrow);
  const { ahead } = DEFAULT_WINDOW;
  const envelope = owner.envelope({ time: clock.time + ahead });
  const { cursor } = await owner.receive(envelope);
  assert.equal((await owner.acknowledge(cursor)).status, 200);
  assert.deepEqual(await postHourly(wide, envelope, 80), new Set([200, 428]));
});

Deno.test("once a window was raised long ago, work of its whole width is taken", async () => {
  await using directory = await TempDirectory.make();
  const [file, clock] = [directory.file("store.kv"), new Clock()];
  (await start(file, clock, 24))[Symbol.dispose]();
  (await start(file, clock, 48))[Symbol.dispose]();
  clock.advance(30 * HOUR);
  using wide = await start(file, clock, 72);
  clock.advance(28 * HOUR);
  const owner = await Owner.open(wide);
  const status = async (hours: number) => {
    const envelope = owner.envelope({ time: clock.time - hours * HOUR });
    const response = await postEnvelope(wide, envelope);
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await status(31), 201, "what the second window let in");
  assert.equal(await status(40), 428, "what the first let in is forgotten");
  clock.advance(72 * HOUR);
  assert.equal(await status(72), 201);
  assert.equal(await status(73), 428);
});
