/** Group commit: together where they can, and each for itself all the same. */
import assert from "node:assert/strict";
import { commitMessage } from "../../../kv/mail/accept.ts";
import type { CommitLimits } from "../../../kv/store/limits.ts";
import { readAfter } from "../../../kv/mail/read.ts";
import { Store } from "../../../kv/store/store.ts";
import { parseCursor } from "../../../lib/cursor.ts";
import { Problem } from "../../../lib/problem.ts";
import { newMailbox, newMessage, NOW } from "../message_maker.ts";

const LIMITS: CommitLimits = { checks: 100, mutations: 1_000, bytes: 780_000 };

/** A store in memory with these limits. */
async function openWith(limits: Partial<CommitLimits> = {}): Promise<Store> {
  const kv = await Deno.openKv(":memory:");
  return new Store(kv, "0".repeat(12), { ...LIMITS, ...limits });
}

/** How many messages each commit stored. */
function sizes(cursors: readonly string[]): number[] {
  const byStamp = Object.groupBy(
    cursors,
    (cursor) => parseCursor(cursor).versionstamp,
  );
  return Object.values(byStamp).map((group = []) => group.length);
}

Deno.test("messages that wait together are committed together, within the limits", async (t) => {
  const cases: [string, Partial<CommitLimits>, number, number][] = [
    ["the checks of KV Connect", { checks: 10 }, 100, 10],
    ["the mutations", { mutations: 50 }, 100, 10],
    ["the bytes", { bytes: 100_000 }, 20_000, 4],
  ];
  for (const [what, limits, size, most] of cases) {
    await t.step(what, async () => {
      using store = await openWith(limits);
      const all = await Promise.all(
        Array.from(
          { length: 80 },
          () => commitMessage(store, newMessage(newMailbox(), size), NOW),
        ),
      );
      assert.ok(all.every(({ created }) => created));
      const commits = sizes(all.map(({ message }) => message.cursor));
      assert.ok(Math.max(...commits) <= most, `${commits}`);
      // The first goes alone: it did not know of the others.
      assert.ok(commits.length <= 2 + Math.ceil(80 / (most / 2)), `${commits}`);
    });
  }
});

Deno.test("a mailbox gets one entry a commit, in the order of the calls", async () => {
  using store = await openWith();
  const mailbox = newMailbox();
  const messages = Array.from(
    { length: 60 },
    (_, i) => newMessage(i % 2 === 0 ? mailbox : newMailbox()),
  );
  const all = await Promise.all(
    messages.map((message) => commitMessage(store, message, NOW)),
  );
  const page = await readAfter(store, {
    mailbox,
    now: NOW,
    after: null,
    limit: 100,
    bandwidth: Infinity,
  });
  const own = messages.filter((message) => message.mailbox === mailbox);
  assert.deepEqual(page.messages.map(({ id }) => id), own.map(({ id }) => id));
  assert.equal(
    new Set(page.messages.map(({ cursor }) => cursor)).size,
    own.length,
  );
  assert.ok(
    sizes(all.map(({ message }) => message.cursor)).some((size) => size > 1),
  );
});

Deno.test("a message that was there fails nobody else's", async () => {
  using store = await openWith();
  const old = Array.from({ length: 5 }, () => newMessage(newMailbox()));
  const before = await Promise.all(
    old.map((message) => commitMessage(store, message, NOW)),
  );
  const fresh = Array.from({ length: 40 }, () => newMessage(newMailbox()));
  const mixed = fresh.flatMap((message, i) =>
    i % 8 === 0 ? [message, old[i / 8] ?? message] : [message]
  );
  const after = await Promise.all(
    mixed.map((message) => commitMessage(store, message, NOW + 9)),
  );
  for (const [i, { created, message }] of after.entries()) {
    const known = before.find(({ message: { id } }) => id === mixed[i]?.id);
    assert.equal(created, known === undefined);
    if (known !== undefined) assert.deepEqual(message, known.message);
  }
});

/** A store whose commits fail once done, fail undone, or are made twice. */
async function openFailing(
  when: "after" | "before" | "repeated",
): Promise<Store> {
  const kv = await Deno.openKv(":memory:");
  const failing = new Proxy(kv, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name !== "atomic") {
        return typeof member === "function" ? member.bind(target) : member;
      }
      return () => {
        const operation = target.atomic();
        const commit = operation.commit.bind(operation);
        operation.commit = async () => {
          // As a client does whose first answer was lost.
          if (when === "repeated") await commit();
          if (when === "repeated") return await commit();
          if (when === "after") await commit();
          throw new Error("the connection is lost");
        };
        return operation;
      };
    },
  });
  return new Store(failing, "0".repeat(12), LIMITS);
}

Deno.test("a commit of unknown outcome is found by its own mark", async () => {
  using store = await openFailing("after");
  const all = await Promise.all(
    Array.from(
      { length: 20 },
      () => commitMessage(store, newMessage(newMailbox()), NOW),
    ),
  );
  assert.ok(all.every(({ created }) => created));
});

Deno.test("a commit that the client repeated on the way is still the first", async () => {
  using store = await openFailing("repeated");
  const all = await Promise.all(
    Array.from(
      { length: 20 },
      () => commitMessage(store, newMessage(newMailbox()), NOW),
    ),
  );
  assert.ok(all.every(({ created }) => created));
});

Deno.test("a commit that was not done is busy, and nothing is stored", async () => {
  using store = await openFailing("before");
  const all = await Promise.allSettled(
    Array.from(
      { length: 20 },
      () => commitMessage(store, newMessage(newMailbox()), NOW),
    ),
  );
  for (const one of all) {
    assert.ok(one.status === "rejected" && one.reason instanceof Problem);
    assert.equal(one.reason.code, "busy");
  }
  assert.deepEqual(await store.list({ prefix: [] }), []);
});
