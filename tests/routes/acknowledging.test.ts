/** Acknowledging: each device for itself, and deleted is what all of them have. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_READERS } from "../../kv/mail/readers.ts";
import { assertProblem } from "./assert_problem.ts";
import { fill, filledMailbox } from "./filled_mailbox.ts";
import { Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";
import { assertUnchanged } from "./unchanged.ts";

/** The cursors that are listed. */
async function listed(owner: Owner): Promise<string[]> {
  return (await owner.read()).messages.map(({ cursor }) => cursor);
}

/** Acknowledges; gives how many messages were deleted. */
async function acknowledge(
  owner: Owner,
  through: string | undefined,
  reader?: string,
): Promise<number> {
  const response = await owner.acknowledge(through ?? "", reader);
  const said = await response.json();
  assert.equal(response.status, 200, said.detail);
  assert.equal(said.through, through);
  assert.equal(said.reader, reader ?? "default");
  return said.deleted;
}

function startOf({ relay: { relay: { store } } }: Owner): string {
  return `${store.epoch}-${"0".repeat(20)}`;
}

Deno.test("what the only reader acknowledges is deleted, with its objects, and nothing else", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const small = await owner.receive();
  const large = await owner.receive(
    owner.envelope({ size: 100_000, hashes: 40_000 }),
  );
  const kept = await owner.receive();
  const other = await Owner.open(relay);
  await fill(other, 1);

  assert.equal(await acknowledge(owner, large.cursor), 2);
  assert.deepEqual(await listed(owner), [kept.cursor]);
  for (const { object } of [small, large]) {
    const gone = await owner.fetch(`/v1/objects/${object}`);
    await assertProblem(relay, gone, "object-unknown");
  }
  const kinds = (await relay.dump()).map(({ key }) => key[0]);
  assert.equal(kinds.filter((kind) => kind === "segment").length, 0);
  assert.equal((await listed(other)).length, 1);
  assert.equal((await owner.fetch(`/v1/objects/${kept.object}`)).status, 200);
});

Deno.test("what two devices read is deleted only when both have it", async () => {
  using relay = await TestRelay.open();
  const { owner, cursors } = await filledMailbox(relay, 4);
  const [one, two, three, four] = cursors;
  assert.equal(await acknowledge(owner, startOf(owner), "tablet"), 0);
  assert.equal(await acknowledge(owner, three, "phone"), 0);
  assert.deepEqual(await listed(owner), cursors);
  assert.equal(await acknowledge(owner, one, "tablet"), 1);
  assert.deepEqual(await listed(owner), [two, three, four]);
  assert.equal(await acknowledge(owner, four, "tablet"), 2);
  assert.deepEqual(await listed(owner), [four]);
  assert.equal(await acknowledge(owner, four, "phone"), 1);
  assert.deepEqual(await listed(owner), []);
});

Deno.test("going back, or saying the same again, changes nothing", async () => {
  using relay = await TestRelay.open();
  const { owner, cursors } = await filledMailbox(relay, 3);
  await acknowledge(owner, startOf(owner), "tablet");
  await acknowledge(owner, cursors[1], "phone");
  await assertUnchanged(relay, async () => {
    for (const through of [cursors[1], cursors[0], startOf(owner)]) {
      assert.equal(await acknowledge(owner, through, "phone"), 0);
    }
  });
  assert.equal(await acknowledge(owner, cursors[2], "tablet"), 2);
});

Deno.test("mail that comes after an acknowledgement is held", async () => {
  using relay = await TestRelay.open();
  const { owner, cursors } = await filledMailbox(relay, 2);
  await acknowledge(owner, cursors[1]);
  const stored = await fill(owner, 2);
  assert.deepEqual(
    await listed(owner),
    stored.map(({ cursor }) => cursor),
  );
});

Deno.test("everything is deleted however much there is", async () => {
  using relay = await TestRelay.open();
  const { owner, cursors } = await filledMailbox(relay, 120);
  assert.equal(await acknowledge(owner, cursors[118]), 119);
  assert.deepEqual(await listed(owner), cursors.slice(119));
});

Deno.test("a cursor of another epoch or above the head is refused, and changes nothing", async (t) => {
  using relay = await TestRelay.open();
  const { owner, cursors } = await filledMailbox(relay, 2);
  const table: Record<string, string> = {
    "of another epoch": `${"0".repeat(12)}-${cursors[1]?.slice(13)}`,
    "the start of another epoch": `${"0".repeat(12)}-${"0".repeat(20)}`,
    "above the head": `${cursors[1]?.slice(0, 12)}-${"f".repeat(20)}`,
  };
  for (const [what, cursor] of Object.entries(table)) {
    await t.step(what, () =>
      assertUnchanged(relay, async () => {
        const response = await owner.acknowledge(cursor, "phone");
        await assertProblem(relay, response, "malformed");
      }));
  }
});

Deno.test("a mailbox has so many readers and no more, and those it has go on", async () => {
  using relay = await TestRelay.open();
  const { owner, cursors } = await filledMailbox(relay, 2);
  for (let n = 0; n < MAX_READERS; n++) {
    await acknowledge(owner, startOf(owner), `reader-${n}`);
  }
  await assertUnchanged(relay, async () => {
    const response = await owner.acknowledge(cursors[0] ?? "", "one-more");
    await assertProblem(relay, response, "malformed");
  });
  for (let n = 0; n < MAX_READERS; n++) {
    const deleted = await acknowledge(owner, cursors[0], `reader-${n}`);
    assert.equal(deleted, n === MAX_READERS - 1 ? 1 : 0);
  }
  const other = await filledMailbox(relay, 1);
  assert.equal(await acknowledge(other.owner, other.cursors[0], "one-more"), 1);
});

Deno.test("acknowledgements at once leave the furthest standing", async () => {
  using relay = await TestRelay.open();
  const { owner, cursors } = await filledMailbox(relay, 10);
  await acknowledge(owner, startOf(owner), "tablet");
  const mixed = [3, 9, 0, 7, 5, 8, 1].map((n) => cursors[n]);
  await Promise.all(
    mixed.map((through) => acknowledge(owner, through, "phone")),
  );
  assert.equal(await acknowledge(owner, cursors[9], "tablet"), 10);
});

Deno.test("held is what some known reader does not have, whatever they say in whatever order", async () => {
  using relay = await TestRelay.open();
  const acks = fc.array(
    fc.record({
      reader: fc.constantFrom("phone", "tablet", "desk"),
      through: fc.nat({ max: 6 }),
    }),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(acks, async (schedule) => {
      const { owner, cursors } = await filledMailbox(relay, 6);
      const furthest = new Map<string, number>();
      let gone = 0;
      for (const { reader, through } of schedule) {
        const cursor = cursors[through - 1] ?? startOf(owner);
        const deleted = await acknowledge(owner, cursor, reader);
        furthest.set(reader, Math.max(furthest.get(reader) ?? 0, through));
        const least = Math.max(gone, Math.min(...furthest.values()));
        assert.equal(deleted, least - gone);
        gone = least;
        assert.deepEqual(await listed(owner), cursors.slice(gone));
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("deleting one message leaves the others, and can be done again", async () => {
  using relay = await TestRelay.open();
  const { owner, cursors } = await filledMailbox(relay, 3);
  const [one, two = "", three] = cursors;
  for (let again = 0; again < 2; again++) {
    assert.equal((await owner.delete(two)).status, 204);
    assert.deepEqual(await listed(owner), [one, three]);
  }
  // A cursor is a place, whether there is a message at it or not.
  const behind = await owner.read(`?after=${two}`);
  assert.equal(behind.reset, false);
  assert.deepEqual(behind.messages.map(({ cursor }) => cursor), [three]);
});

Deno.test("deleting what is not in the mailbox does nothing", async (t) => {
  using relay = await TestRelay.open();
  const { owner, cursors: [own = ""] } = await filledMailbox(relay, 1);
  const { cursors: [others = ""] } = await filledMailbox(relay, 1);
  const table: Record<string, string> = {
    "a message of another mailbox": others,
    "a message of another epoch": `${"0".repeat(12)}-${own.slice(13)}`,
    "a message above the head": `${own.slice(0, 12)}-${"f".repeat(20)}`,
    "the start": startOf(owner),
  };
  for (const [what, cursor] of Object.entries(table)) {
    await t.step(what, () =>
      assertUnchanged(relay, async () => {
        assert.equal((await owner.delete(cursor)).status, 204);
      }));
  }
});
