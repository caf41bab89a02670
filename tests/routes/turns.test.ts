/** What of one mailbox is read at once, for pages and objects alike. */
import assert from "node:assert/strict";
import { openDatabase } from "../../kv/store/deno_kv.ts";
import { fill } from "./filled_mailbox.ts";
import { HeldDatabase } from "./held_database.ts";
import { Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

/** What is asked for of a mailbox. */
const WAYS: Readonly<
  Record<string, (mailbox: string, object: string) => string>
> = {
  pages: (mailbox) => `/v1/mailboxes/${mailbox}/messages`,
  objects: (_, object) => `/v1/objects/${object}`,
};

for (const [way, pathOf] of Object.entries(WAYS)) {
  Deno.test(`Turns: no more than 4 ${way} of a mailbox are read at once, others wait, and those of another mailbox do not`, async () => {
    const databases: HeldDatabase[] = [];
    using relay = await TestRelay.open({
      async openDatabase(location) {
        const database = new HeldDatabase(await openDatabase(location));
        databases.push(database);
        return database;
      },
    });
    const [database] = databases;
    assert.ok(database);
    const owners = [await Owner.open(relay), await Owner.open(relay)];
    const asks: (() => Promise<Response>)[] = [];
    for (const [i, owner] of owners.entries()) {
      const [stored] = await fill(owner, 1, 3_600, 70_000);
      assert.ok(stored);
      const path = pathOf(owner.mailbox, stored.object);
      for (let n = 0; n < (i === 0 ? 9 : 1); n++) {
        asks.push(() => owner.fetch(path));
      }
    }
    database.isHolding = true;
    const answers = asks.map((ask) => ask());
    /** Ends when whoever may read does. */
    const settled = async () => {
      const path = `/v1/mailboxes/${owners[0]?.mailbox}`;
      for (let n = 0; n < 200; n++) await (await relay.fetch(path)).text();
    };
    await settled();
    assert.equal(database.held.length, 4 + 1);
    for (const letGo of database.held.splice(0)) letGo();
    database.isHolding = false;
    for (const answer of await Promise.all(answers)) {
      assert.equal(answer.status, 200);
      await answer.body?.cancel();
    }
  });
}

Deno.test("Turns: those who wait for mail keep no page of their mailbox from being read", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const path = `/v1/mailboxes/${owner.mailbox}/messages`;
  const waiting = Array.from(
    { length: 5 },
    () => owner.fetch(path, { headers: { Prefer: "wait=20" } }),
  );
  await relay.clock.waitedFor(5);
  const { status, body } = await owner.fetch(path);
  assert.equal(status, 200);
  await body?.cancel();
  await fill(owner, 1);
  for (const answer of await Promise.all(waiting)) {
    assert.equal((await answer.json()).messages.length, 1);
  }
});
