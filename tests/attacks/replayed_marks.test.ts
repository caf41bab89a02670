/**
 * Whoever sends again what is stored makes a commit fail that relied on it not
 * being there. Others are not to pay for that: once, and not each time.
 */
import assert from "node:assert/strict";
import { openDatabase } from "../../kv/store/deno_kv.ts";
import { SpiedDatabase } from "../kv/spied_database.ts";
import { Owner, postEnvelope } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";

Deno.test("messages that are sent again and again amid others make hardly a commit fail", async () => {
  const spies: SpiedDatabase[] = [];
  using relay = await TestRelay.open({
    async openDatabase(location) {
      const spy = new SpiedDatabase(await openDatabase(location));
      spies.push(spy);
      return spy;
    },
  });
  const owners = [await Owner.open(relay), await Owner.open(relay)];
  const repeated = owners.flatMap((owner) => [
    owner.envelope(),
    owner.envelope(),
  ]);
  for (const envelope of repeated) {
    assert.equal((await postEnvelope(relay, envelope)).status, 201);
  }
  const refused = () =>
    spies.reduce(
      (sum, spy) => sum + spy.operations.length - spy.done.length,
      0,
    );
  const before = refused();
  const began = performance.now();
  for (let round = 0; round < 25; round++) {
    const answers = await Promise.all([
      ...repeated.map((envelope) => postEnvelope(relay, envelope)),
      ...owners.map((owner) => postEnvelope(relay, owner.envelope())),
    ]);
    const statuses = answers.map(({ status }) => status);
    assert.deepEqual(statuses, [200, 200, 200, 200, 201, 201]);
    await Promise.all(answers.map(({ body }) => body?.cancel()));
  }
  // One each second that this takes, and what was under way beside it.
  const seconds = Math.ceil((performance.now() - began) / 1_000);
  const failed = refused() - before;
  assert.ok(failed >= 1, "there is something to fail");
  assert.ok(failed <= 2 * seconds, `${failed} commits in ${seconds} s`);
});
