/** Sweeping: bodies go once their hold has ended, and nothing else does. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { TOMBSTONE_MS } from "../../../kv/mail/entry.ts";
import { readAfter } from "../../../kv/mail/read.ts";
import { decodeRow } from "../../../kv/mail/row.ts";
import { keepSweeping, overdueHours, sweep } from "../../../kv/mail/sweep.ts";
import { endLease, takeLease } from "../../../kv/store/lease.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import { Problem } from "../../../lib/problem.ts";
import type { MailboxId } from "../../../lib/ids.ts";
import { DatabaseError } from "../../../kv/store/database.ts";
import { ManualClock } from "../../manual_clock.ts";
import { HOUR, MINUTE } from "../../routes/clock.ts";
import { HOLD, newMailbox, newMessage, NOW } from "../message_maker.ts";
import { assertWhole } from "../recount.ts";
import { openSpied, type SpiedStore } from "../spied_database.ts";
import { TempDirectory } from "../temp_directory.ts";

const END = NOW + 1_000 * HOLD;

/** Whether each log entry of a mailbox holds its body. */
async function bodiesIn(store: Store, mailbox: MailboxId): Promise<boolean[]> {
  const rows = await store.list({ prefix: keys.messages(mailbox) });
  return rows.flatMap(({ value }) =>
    decodeRow(value).map(({ place }) => place !== "none")
  );
}

const sweepAt = (store: Store, time: number, most?: number) =>
  sweep(store, { now: () => time, most });

Deno.test("sweep() drops the bodies of messages whose hold has ended, and keeps them listed", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = newMailbox();
  const other = newMailbox();
  for (const hold of [HOLD, 10 * HOLD, HOLD]) {
    await commitMessage(store, newMessage(mailbox, 5_000, { hold }), NOW);
  }
  await commitMessage(store, newMessage(other), NOW);
  const read = async (now: number) => {
    const options = { mailbox, after: null, limit: 10, bandwidth: Infinity };
    const { messages } = await readAfter(store, { ...options, now });
    return messages.map(({ body, expired, ...facts }) => ({
      ...facts,
      expired,
      hasBody: body !== null,
    }));
  };
  const before = await read(END + HOUR);
  assert.deepEqual(before.map(({ expired }) => expired), [true, false, true]);
  await sweepAt(store, END - HOUR);
  assert.deepEqual(await bodiesIn(store, mailbox), [true, true, true]);
  assert.deepEqual(await sweepAt(store, END + HOUR), { rows: 3, isDone: true });
  assert.deepEqual(await bodiesIn(store, mailbox), [false, true, false]);
  assert.deepEqual(await bodiesIn(store, other), [false]);
  assert.deepEqual(await read(END + HOUR), before);
  await assertWhole(store);
});

Deno.test("sweep() goes through mailboxes of any length", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = newMailbox();
  const count = 1_203;
  await Promise.all(
    Array.from(
      { length: count },
      () => commitMessage(store, newMessage(mailbox, 10), NOW),
    ),
  );
  const { isDone } = await sweepAt(store, END + HOUR);
  assert.ok(isDone);
  const bodies = await bodiesIn(store, mailbox);
  assert.equal(bodies.length, count);
  assert.ok(bodies.every((isHeld) => !isHeld));
  await assertWhole(store);
});

Deno.test("sweep() removes what is not even listed any more, and not an hour earlier", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = newMailbox();
  await commitMessage(store, newMessage(mailbox), NOW);
  await sweepAt(store, END + HOUR);
  await sweepAt(store, END + TOMBSTONE_MS - 1);
  assert.deepEqual(await bodiesIn(store, mailbox), [false]);
  await sweepAt(store, END + TOMBSTONE_MS + HOUR);
  assert.deepEqual(await bodiesIn(store, mailbox), []);
  const { relay } = await assertWhole(store);
  assert.deepEqual(relay, { bytes: 0, messages: 0 });
});

Deno.test("sweep() after months without one sees to all of it at once", async () => {
  using store = await openStore(":memory:", () => NOW);
  const message = newMessage(newMailbox(), 9_000, {
    workUntil: END + 9 * HOUR,
  });
  await commitMessage(store, message, NOW);
  await sweepAt(store, END + 3 * TOMBSTONE_MS);
  const { relay } = await assertWhole(store);
  assert.deepEqual(relay, { bytes: 0, messages: 0 });
  assert.deepEqual(await store.list({ prefix: keys.dues() }), []);
  assert.deepEqual(await store.list({ prefix: keys.seens() }), []);
});

Deno.test("what a sweep costs is what is due, not what is held", async () => {
  const costs = [];
  for (const held of [5, 300]) {
    using spied = await openSpied(":memory:", { now: () => NOW });
    const { store, spy } = spied;
    const due = Array.from({ length: 3 }, () => newMessage(newMailbox()));
    const kept = Array.from(
      { length: held },
      () => newMessage(newMailbox(), 100, { hold: 100 * HOLD }),
    );
    await Promise.all(kept.map((one) => commitMessage(store, one, NOW)));
    for (const one of due) await commitMessage(store, one, NOW);
    spy.takeCounts();
    assert.equal((await sweepAt(store, END + HOUR)).rows, 3);
    costs.push(spy.takeCounts());
    assert.deepEqual(await sweepAt(store, END + HOUR), {
      rows: 0,
      isDone: true,
    });
    const idle = { reads: 1, entries: 0, commits: 0 };
    assert.deepEqual(spy.takeCounts(), idle, "nothing due costs one read");
  }
  assert.deepEqual(costs[0], costs[1]);
});

Deno.test("of two workers one sweeps, and the other when its lease has ended", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  using one = await openStore(file, () => NOW);
  using two = await openStore(file, () => NOW);
  await commitMessage(one, newMessage(newMailbox()), NOW);
  const now = END + HOUR;
  const other = { holder: "another", until: now + MINUTE };
  assert.equal(await takeLease(two, "sweep", other, now), true);
  assert.deepEqual(await sweepAt(one, now), { rows: 0, isDone: false });
  const lease = await one.get(keys.lease("sweep"));
  assert.deepEqual(lease.value, other, "it is not given back for another");
  assert.deepEqual(await sweepAt(one, now + MINUTE - 1), {
    rows: 0,
    isDone: false,
  });
  const swept = await sweepAt(one, now + MINUTE);
  assert.deepEqual(swept, { rows: 1, isDone: true });
  // Given back: the next one need not wait.
  assert.equal((await one.get(keys.lease("sweep"))).value, null);
});

Deno.test("a sweep that fails at once gives its lease back", async () => {
  using spied = await openSpied(":memory:", { now: () => NOW });
  const { store, spy } = spied;
  await commitMessage(store, newMessage(newMailbox()), NOW);
  spy.takeCounts();
  spy.onCommit = (_, commit) => {
    if (spy.operations.length !== 2) return commit();
    throw new DatabaseError("failed");
  };
  await assert.rejects(sweepAt(store, END + HOUR), Problem);
  assert.equal((await store.get(keys.lease("sweep"))).value, null);
});

Deno.test("takeLease() keeps it for its holder alone, and for as long as was said", async () => {
  using store = await openStore(":memory:", () => NOW);
  const take = (holder: string, now: number) =>
    takeLease(store, "x", { holder, until: now + 10 }, now);
  assert.equal(await take("a", NOW), true);
  assert.equal(await take("a", NOW + 5), true, "for longer");
  assert.equal(await take("b", NOW + 14), false);
  assert.equal(await take("b", NOW + 15), true);
  assert.equal(await take("a", NOW + 16), false);
  await endLease(store, "x", "a");
  assert.equal(await take("a", NOW + 17), false, "it is not a's to end");
  await endLease(store, "x", "b");
  assert.equal(await take("a", NOW + 18), true);
  const both = await Promise.all([take("c", NOW + 99), take("d", NOW + 99)]);
  assert.deepEqual(both.toSorted(), [false, true]);
});

Deno.test("sweep() ends between two looks when its signal does, or when it has seen to enough", async () => {
  using store = await openStore(":memory:", () => NOW);
  for (let n = 0; n < 45; n++) {
    await commitMessage(store, newMessage(newMailbox()), NOW);
  }
  const stop = new AbortController();
  let looks = 0;
  const now = () => {
    looks += 1;
    if (looks === 4) stop.abort(); // while it sees to the first twenty
    return END + HOUR;
  };
  assert.deepEqual(await sweep(store, { now, signal: stop.signal }), {
    rows: 20,
    isDone: false,
  });
  const ended = { now, signal: AbortSignal.abort() };
  assert.deepEqual(await sweep(store, ended), { rows: 0, isDone: false });
  assert.deepEqual(await sweepAt(store, END + HOUR, 3), {
    rows: 3,
    isDone: false,
  });
  assert.deepEqual(await sweepAt(store, END + HOUR), {
    rows: 22,
    isDone: true,
  });
  await assertWhole(store);
});

Deno.test("sweep() sees to all that is due, though one row of the log is damaged", async () => {
  using store = await openStore(":memory:", () => NOW);
  const [damaged, sound] = [newMailbox(), newMailbox()];
  for (const mailbox of [damaged, sound]) {
    await commitMessage(store, newMessage(mailbox), NOW);
  }
  const [row] = await store.list({ prefix: keys.messages(damaged) });
  assert.ok(row);
  await store.commit((operation) =>
    operation.set(row.key, new Uint8Array([9]))
  );
  await assert.rejects(sweepAt(store, END + HOUR), RangeError);
  assert.deepEqual(await bodiesIn(store, sound), [false]);
  const nothing = { rows: 0, isDone: true };
  assert.deepEqual(await sweepAt(store, END + 2 * HOUR), nothing);
  // It is tried again another day, as what was due of that row.
  await store.commit((operation) => operation.set(row.key, row.value));
  assert.deepEqual(await sweepAt(store, END + 24 * HOUR), nothing);
  await sweepAt(store, END + 26 * HOUR);
  assert.deepEqual(await bodiesIn(store, damaged), [false]);
  await assertWhole(store);
});

Deno.test("what another worker saw to meanwhile is not put off for another day", async () => {
  using spied = await openSpied(":memory:", { now: () => NOW });
  const { store, spy } = spied;
  await commitMessage(store, newMessage(newMailbox()), NOW);
  const [row] = await store.list({ prefix: ["message"] });
  assert.ok(row);
  await store.commit((operation) =>
    operation.set(row.key, new Uint8Array([9]))
  );
  spy.onCommit = async ({ mutations }, commit) => {
    const isPutOff = mutations.some(({ kind, key: [name] }) =>
      kind === "set" && name === "due"
    );
    if (isPutOff) {
      spy.onCommit = (_, commit) => commit();
      const due = await store.list({ prefix: keys.dues() });
      await store.commit((operation) => {
        for (const { key } of due) operation.delete(key);
      });
    }
    return await commit();
  };
  await assert.rejects(sweepAt(store, END + HOUR), RangeError);
  assert.deepEqual(await store.list({ prefix: keys.dues() }), []);
});

Deno.test("overdueHours() is the hours since the oldest thing fell due", async () => {
  using store = await openStore(":memory:", () => NOW);
  assert.equal(await overdueHours(store, END), 0);
  await commitMessage(store, newMessage(newMailbox()), NOW);
  const due = Math.ceil(END / HOUR) * HOUR;
  assert.equal(await overdueHours(store, due - 1), 0);
  assert.equal(await overdueHours(store, due), 0);
  assert.equal(await overdueHours(store, due + 3 * HOUR), 3);
});

/** Sweeps once with one of its commits failing; gives whether that one came. */
async function sweepFailing(
  { store, spy }: SpiedStore,
  { failing, isDone, time }: {
    readonly failing: number;
    readonly isDone: boolean;
    readonly time: number;
  },
): Promise<boolean> {
  let count = 0;
  spy.onCommit = async (_, commit) => {
    count += 1;
    if (count !== failing) return await commit();
    if (isDone) await commit();
    throw new DatabaseError("failed");
  };
  await sweepAt(store, time).catch((error) =>
    assert.ok(error instanceof Problem)
  );
  spy.onCommit = (_, commit) => commit();
  return count >= failing;
}

Deno.test("a sweep that a crash ends at any commit is finished by the next, with every count right", async (t) => {
  for (const isDone of [false, true]) {
    await t.step(isDone ? "done, and not known" : "not done", async () => {
      let hasFailed = true;
      for (let failing = 1; hasFailed; failing++) {
        assert.ok(failing < 50);
        hasFailed = false;
        using spied = await openSpied(":memory:", { now: () => NOW });
        const { store } = spied;
        const mailbox = newMailbox();
        const workUntil = NOW + 30 * 24 * HOUR;
        const posted = [100, 100, 70_000].map((size) =>
          newMessage(mailbox, size, { workUntil })
        );
        posted.push(newMessage(newMailbox(), 500));
        await Promise.all(
          posted.map((message) => commitMessage(store, message, NOW)),
        );
        const ends = [END, END + TOMBSTONE_MS, workUntil];
        for (const time of ends.map((end) => end + HOUR)) {
          hasFailed = await sweepFailing(spied, { failing, isDone, time }) ||
            hasFailed;
          await assertWhole(store);
          await sweepAt(store, time + 2 * MINUTE);
          const { rows } = await sweepAt(store, time + 2 * MINUTE);
          assert.equal(rows, 0, "nothing is left");
          await assertWhole(store);
        }
        assert.deepEqual(await store.list({ prefix: keys.dues() }), []);
      }
    });
  }
});

Deno.test("a sweep that fails ends when nothing of it is under way any more", async () => {
  using store = await openStore(":memory:", () => NOW);
  // The first goes alone, the others together: they fall due in one row.
  const messages = [0, 1, 2].map(() => newMessage(newMailbox()));
  await Promise.all(messages.map((one) => commitMessage(store, one, NOW)));
  const [, fails, waits] = messages;
  const held = Promise.withResolvers<void>();
  const get = store.get.bind(store);
  let isHeld = false;
  store.get = async (key) => {
    if (key[1] === fails?.mailbox) throw new Problem("busy", "away");
    if (key[1] === waits?.mailbox) {
      isHeld = true;
      await held.promise;
    }
    return await get(key);
  };
  let isOver = false;
  const swept = sweepAt(store, END + HOUR).finally(() => isOver = true);
  swept.catch(() => {});
  while (!isHeld) await store.check();
  for (let turns = 0; turns < 20; turns++) await store.check();
  assert.equal(isOver, false, "the other is under way");
  held.resolve();
  await assert.rejects(swept, { code: "busy" });
});

Deno.test("keepSweeping() that is ended amid a sweep ends that too, and begins none that waits", async () => {
  const clock = new ManualClock(END + HOUR);
  using spied = await openSpied(":memory:", { now: () => NOW });
  const { store, spy } = spied;
  for (let n = 0; n < 45; n++) {
    await commitMessage(store, newMessage(newMailbox()), NOW);
  }
  const told: unknown[] = [];
  const stop = keepSweeping(store, clock, (result) => told.push(result));
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  spy.onCommit = async (_, commit) => {
    begun.resolve();
    await goOn.promise;
    return await commit();
  };
  clock.advance(1_000);
  await begun.promise;
  clock.advance(10 * MINUTE); // two more wait for this one
  const stopped = stop();
  goOn.resolve();
  await stopped;
  assert.deepEqual(told, [{ rows: 20, isDone: false }]);
  assert.equal((await store.get(keys.lease("sweep"))).value, null);
});

Deno.test("keepSweeping() sweeps a second after the start, then every five minutes, until it is ended", async () => {
  const clock = new ManualClock(END + HOUR);
  using spied = await openSpied(":memory:", { now: () => NOW });
  const { store, spy } = spied;
  const told: unknown[] = [];
  let next = Promise.withResolvers<void>();
  const stop = keepSweeping(store, clock, (result) => {
    told.push(result);
    next.resolve();
  });
  const sweepAfter = async (milliseconds: number) => {
    next = Promise.withResolvers();
    clock.advance(milliseconds - 1);
    assert.equal(told.length, 0, "not earlier");
    clock.advance(1);
    await next.promise;
    return told.splice(0);
  };
  const nothing = { rows: 0, isDone: true };
  assert.deepEqual(await sweepAfter(1_000), [nothing]);
  assert.deepEqual(await sweepAfter(5 * MINUTE - 1_000), [nothing]);
  spy.onRead = () => Promise.reject(new DatabaseError("failed"));
  const [failed] = await sweepAfter(5 * MINUTE) as [{ error: unknown }];
  assert.ok(failed.error instanceof Problem, "told, and it goes on");
  spy.onRead = () => Promise.resolve();
  assert.deepEqual(await sweepAfter(5 * MINUTE), [nothing]);
  await stop();
  assert.equal(clock.timers, 0);
  clock.advance(HOUR);
  assert.deepEqual(told, []);
});
