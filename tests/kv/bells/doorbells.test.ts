/** Doorbells: every reader is woken, whichever worker stored its mail. */
import assert from "node:assert/strict";
import {
  type DoorbellOptions,
  Doorbells,
} from "../../../kv/bells/doorbells.ts";
import { shardOf, SHARDS } from "../../../kv/kinds.ts";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { DatabaseError, type EntryMaybe } from "../../../kv/store/database.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import type { MailboxId } from "../../../lib/ids.ts";
import { ManualClock } from "../../manual_clock.ts";
import { MINUTE, SECOND } from "../../routes/clock.ts";
import { newMailbox, newMessage, NOW } from "../message_maker.ts";
import { openSpied, type SpiedDatabase } from "../spied_database.ts";
import { Gate } from "../store/test_part.ts";
import { TempDirectory } from "../temp_directory.ts";

/** A worker that listens, and another on the same file that stores mail. */
interface Bells extends AsyncDisposable {
  readonly doorbells: Doorbells;
  readonly clock: ManualClock;
  /** Of the one that listens. */
  readonly store: Store;
  readonly spy: SpiedDatabase;
  readonly watching: SpiedDatabase;
  /** Of the one that stores. */
  readonly other: Store;
  readonly otherSpy: SpiedDatabase;
  /** How often each mailbox was woken. */
  readonly woken: Map<MailboxId, number>;
  /** Subscribes a reader. */
  listen(mailbox: MailboxId): () => void;
  /** Waits until something holds, by asking the store for something else. */
  until(claim: () => boolean): Promise<void>;
}

async function openBells(
  options: DoorbellOptions = {},
  prepare: (watching: SpiedDatabase) => void = () => {},
): Promise<Bells> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await TempDirectory.make());
  const file = directory.file("store.kv");
  const clock = new ManualClock(NOW);
  const { store, spy, watching } = stack.use(await openSpied(file));
  const other = stack.use(await openSpied(file));
  prepare(watching);
  const doorbells = stack.use(new Doorbells(store, { clock, ...options }));
  const woken = new Map<MailboxId, number>();
  const until = async (claim: () => boolean) => {
    for (let tries = 0; !claim(); tries++) {
      assert.ok(tries < 20_000, "it never came to be");
      await other.store.get(["nothing"]);
    }
  };
  const rest = stack.move();
  return {
    doorbells,
    clock,
    store,
    spy,
    watching,
    other: other.store,
    otherSpy: other.spy,
    woken,
    until,
    listen: (mailbox) =>
      doorbells.subscribe(mailbox, () => {
        woken.set(mailbox, (woken.get(mailbox) ?? 0) + 1);
      }),
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

const LOOK = 5 * SECOND;

/** Looks at the doorbells after a time, and waits until that is over. */
async function look(bells: Bells, time = LOOK): Promise<void> {
  await idle(bells);
  const { spy, clock, until } = bells;
  const before = spy.reads;
  clock.advance(time);
  await until(() => spy.reads > before);
  await idle(bells);
}

/** Lets everything be read that somebody waits for. */
async function idle({ until, spy }: Bells): Promise<void> {
  // Whoever was answered asks for more at once, if for anything.
  let quiet = 0;
  await until(() => {
    quiet = spy.reading === 0 ? quiet + 1 : 0;
    return quiet > 20;
  });
}

Deno.test("a reader is woken by another worker's mail, by the bell alone", async () => {
  await using bells = await openBells();
  const { woken, until, listen, other, clock } = bells;
  const mailbox = newMailbox();
  listen(mailbox);
  // The first look wakes everybody.
  await until(() => (woken.get(mailbox) ?? 0) === SHARDS);
  for (let n = 1; n <= 3; n++) {
    await commitMessage(other, newMessage(mailbox), NOW);
    await until(() => woken.get(mailbox) === SHARDS + n);
  }
  assert.equal(clock.now(), NOW, "no timer was needed");
});

Deno.test("every mailbox of a commit is rung for, and nobody else is", async () => {
  await using bells = await openBells();
  const { woken, until, listen, other, otherSpy } = bells;
  const mailboxes = Array.from({ length: 40 }, newMailbox);
  const stranger = newMailbox();
  for (const mailbox of [...mailboxes, stranger]) listen(mailbox);
  await until(() => woken.get(stranger) === SHARDS);
  const gate = new Gate(otherSpy);
  const first = commitMessage(other, newMessage(newMailbox()), NOW);
  await gate.arrived();
  const all = mailboxes.map((mailbox) =>
    commitMessage(other, newMessage(mailbox), NOW)
  );
  gate.open();
  await Promise.all([first, ...all]);
  await until(() =>
    mailboxes.every((mailbox) => (woken.get(mailbox) ?? 0) > SHARDS)
  );
  assert.equal(woken.get(stranger), SHARDS);
});

Deno.test("own commits wake without the bell, and rings that are lost are found by a look", async () => {
  await using bells = await openBells({ isHearing: false, lookEvery: LOOK });
  const { woken, listen, store, other } = bells;
  const mailbox = newMailbox();
  await look(bells);
  listen(mailbox);
  await commitMessage(store, newMessage(mailbox), NOW);
  assert.equal(woken.get(mailbox), undefined, "it hears of nothing");
  await look(bells);
  assert.equal(woken.get(mailbox), 1);
  await commitMessage(other, newMessage(mailbox), NOW);
  await commitMessage(other, newMessage(newMailbox()), NOW);
  await look(bells);
  assert.equal(woken.get(mailbox), 2);
  await look(bells);
  assert.equal(woken.get(mailbox), 2, "once");
  using hearing = new Doorbells(store, { clock: bells.clock });
  let own = 0;
  hearing.subscribe(mailbox, () => own++);
  await commitMessage(store, newMessage(mailbox), NOW);
  assert.ok(own > 0, "at once");
});

Deno.test("own commits wake also where they were found to be done only when they had failed", async (t) => {
  type Fate = (commit: () => Promise<string | null>) => Promise<string | null>;
  const fates: Record<string, Fate> = {
    "its outcome was not known": async (commit) => {
      await commit();
      throw new DatabaseError("failed");
    },
    "it was repeated on the way": async (commit) => {
      await commit();
      return await commit();
    },
  };
  for (const [what, fate] of Object.entries(fates)) {
    await t.step(what, async () => {
      await using bells = await openBells({ isWatching: false });
      const { woken, listen, store, spy } = bells;
      const mailbox = newMailbox();
      await commitMessage(store, newMessage(mailbox), NOW);
      listen(mailbox);
      spy.onCommit = async (_, commit) => {
        spy.onCommit = (_, commit) => commit();
        return await fate(commit);
      };
      const message = newMessage(mailbox);
      const { created } = await commitMessage(store, message, NOW);
      assert.equal(created, true);
      const wakes = woken.get(mailbox) ?? 0;
      assert.ok(wakes > 0, "at once");
      assert.equal(bells.clock.now(), NOW);
    });
  }
});

Deno.test("a worker that does not watch hears of its own commits at once, and looks all the same", async () => {
  const changes = { isWatching: false, lookEvery: LOOK };
  await using bells = await openBells(changes);
  const { woken, listen, store, other, watching } = bells;
  const mailbox = newMailbox();
  await look(bells);
  listen(mailbox);
  await commitMessage(store, newMessage(mailbox), NOW);
  assert.equal(woken.get(mailbox), 1, "at once");
  await look(bells);
  await commitMessage(other, newMessage(mailbox), NOW);
  const before = woken.get(mailbox) ?? 0;
  await look(bells);
  assert.equal(
    woken.get(mailbox),
    before + 1,
    "what another has stored is found",
  );
  assert.equal(watching.watches.begun, 0);
  assert.equal(bells.doorbells.stats.watches, 0);
});

Deno.test("a worker that slept for longer than rings live wakes everybody, by whichever clock it slept", async (t) => {
  const table: [what: string, wall: number, other: number, woken: boolean][] = [
    ["by neither", 0, 0, false],
    ["to the end of the patience", 5 * MINUTE - LOOK, 0, false],
    ["by the clock of the wall", 5 * MINUTE - LOOK + 1, 0, true],
    ["by the clock that never goes back", 0, 5 * MINUTE + 1, true],
    ["just not by that", 0, 5 * MINUTE, false],
  ];
  for (const [what, wall, other, isWoken] of table) {
    await t.step(what, async () => {
      const lookEvery = other || LOOK;
      await using bells = await openBells({ isHearing: false, lookEvery });
      const { clock, woken, listen, until } = bells;
      const mailbox = newMailbox();
      listen(mailbox);
      const before = newMailbox();
      listen(before);
      await commitMessage(bells.other, newMessage(before), NOW);
      await look(bells, lookEvery);
      await until(() => woken.has(before));
      woken.clear();
      await commitMessage(bells.other, newMessage(mailbox), NOW);
      await dropRings(bells.other);
      // A machine that sleeps calls no timer meanwhile.
      clock.time += wall;
      if (other > 0) clock.time -= other;
      await look(bells, lookEvery);
      assert.equal(woken.has(mailbox), isWoken);
    });
  }
});

/** As the database does after ten minutes. */
async function dropRings(store: Store): Promise<void> {
  const rings = await store.list({ prefix: ["ring"] });
  await store.commit((operation) => {
    for (const { key } of rings) operation.delete(key);
  });
}

Deno.test("a bell that is heard late, behind a newer one, wakes nobody again", async () => {
  await using bells = await openBells({ isHearing: false, lookEvery: LOOK });
  const { woken, listen, other, spy } = bells;
  const mailbox = newMailbox();
  let neighbour = newMailbox();
  while (shardOf(neighbour) !== shardOf(mailbox)) neighbour = newMailbox();
  await commitMessage(other, newMessage(neighbour), NOW);
  await look(bells);
  listen(mailbox);
  const read = spy.getMany.bind(spy);
  let before: EntryMaybe[] | null = null;
  spy.getMany = async (asked) => {
    const found = await read(asked);
    before ??= found as EntryMaybe[];
    return found;
  };
  await look(bells);
  await commitMessage(other, newMessage(mailbox), NOW);
  await look(bells);
  assert.equal(woken.get(mailbox), 1);
  const asNow = spy.getMany;
  spy.getMany = async (asked) => {
    await read(asked);
    return before as never;
  };
  await look(bells);
  spy.getMany = asNow;
  await commitMessage(other, newMessage(neighbour), NOW);
  await look(bells);
  assert.equal(woken.get(mailbox), 1);
});

Deno.test("a list of rings that fails is made again", async () => {
  await using bells = await openBells({ isHearing: false, lookEvery: LOOK });
  const { woken, listen, other, spy, doorbells } = bells;
  const mailbox = newMailbox();
  await look(bells);
  listen(mailbox);
  await commitMessage(other, newMessage(mailbox), NOW);
  let reads = 0;
  spy.onRead = () => {
    reads += 1; // the first looks at the bells, the second lists the rings
    return reads === 2
      ? Promise.reject(new DatabaseError("failed"))
      : Promise.resolve();
  };
  await look(bells);
  assert.equal(woken.has(mailbox), false);
  assert.equal(doorbells.stats.failedLooks, 1);
  await look(bells);
  assert.equal(woken.get(mailbox), 1);
});

Deno.test("one look is under way at a time, however long the store takes", async () => {
  await using bells = await openBells({ isHearing: false, lookEvery: LOOK });
  const { clock, spy, until } = bells;
  await look(bells);
  const answer = Promise.withResolvers<void>();
  spy.onRead = () => answer.promise;
  const before = spy.reads;
  clock.advance(10 * LOOK);
  await until(() => spy.reads > before);
  assert.equal(spy.reads, before + 1);
  answer.resolve();
  await look(bells);
  assert.ok(spy.reads > before + 1);
});

Deno.test("a watch is begun anew every five minutes, and the old one is cancelled", async () => {
  await using bells = await openBells();
  const { clock, watching, until, woken, listen, other, doorbells } = bells;
  const mailbox = newMailbox();
  listen(mailbox);
  await until(() => woken.get(mailbox) === SHARDS);
  assert.deepEqual(watching.watches, { begun: 1, ended: 0 });
  clock.advance(5 * MINUTE - 1);
  assert.deepEqual(watching.watches, { begun: 1, ended: 0 });
  for (let n = 1; n <= 3; n++) {
    clock.advance(n === 1 ? 1 : 5 * MINUTE);
    await until(() => watching.watches.begun === n + 1);
    assert.equal(watching.watches.ended, n);
    assert.equal(doorbells.stats.watches, n + 1);
    const before = woken.get(mailbox) ?? 0;
    await commitMessage(other, newMessage(mailbox), NOW);
    await until(() => (woken.get(mailbox) ?? 0) > before);
  }
  assert.equal(doorbells.stats.failures, 0);
});

Deno.test("a watch that fails is cancelled, and begun anew a second later", async (t) => {
  const ways: Record<string, () => ReadableStream> = {
    "when it is read": () =>
      new ReadableStream({
        pull: (stream) => stream.error(new Error("the connection is lost")),
      }),
    "when it is begun": () => {
      throw new TypeError("the handle is gone");
    },
  };
  for (const [way, broken] of Object.entries(ways)) {
    await t.step(way, async () => {
      let failing = 3;
      await using bells = await openBells({}, (watching) => {
        watching.onWatch = (watch) => failing-- > 0 ? broken() : watch();
      });
      const { clock, watching, doorbells, until, woken, listen } = bells;
      for (let n = 1; n <= 3; n++) {
        await until(() => doorbells.stats.failures === n);
        assert.equal(watching.watches.begun, n, "no sooner");
        await clock.waitedFor(2); // the looks, and the pause
        clock.advance(SECOND - 1);
        assert.equal(watching.watches.begun, n);
        clock.advance(1);
        await until(() => watching.watches.begun === n + 1);
      }
      const mailbox = newMailbox();
      listen(mailbox);
      await commitMessage(bells.other, newMessage(mailbox), NOW);
      await until(() => woken.has(mailbox));
    });
  }
});

Deno.test("doorbells that are disposed of while a watch that failed is not begun anew end at once", async () => {
  const told: unknown[] = [];
  const error = new TypeError("the handle is gone");
  const onFailure = (failure: unknown) => told.push(failure);
  await using bells = await openBells({ onFailure }, (watching) => {
    watching.onWatch = () => {
      throw error;
    };
  });
  const { clock, doorbells, until } = bells;
  await until(() => doorbells.stats.failures === 1);
  await clock.waitedFor(2); // the looks, and the pause
  await doorbells[Symbol.asyncDispose]();
  assert.equal(clock.timers, 0);
  assert.deepEqual(told, [error], "whoever watches over it is told");
});

Deno.test("a watch that tells of what cannot be read is cancelled, not left open", async () => {
  await using bells = await openBells();
  const { clock, watching, doorbells, until, woken, listen, spy } = bells;
  const mailbox = newMailbox();
  listen(mailbox);
  await until(() => woken.get(mailbox) === SHARDS);
  spy.onRead = () => Promise.reject(new DatabaseError("failed"));
  await commitMessage(bells.other, newMessage(mailbox), NOW);
  for (let n = 1; n <= 4; n++) {
    await until(() => doorbells.stats.failures === n);
    assert.deepEqual(watching.watches, { begun: n, ended: n });
    if (n === 4) spy.onRead = () => Promise.resolve();
    await clock.waitedFor(2);
    clock.advance(SECOND);
  }
  // What it could not read it reads then.
  await until(() => woken.get(mailbox) === SHARDS + 1);
  assert.deepEqual(watching.watches, { begun: 5, ended: 4 });
});

Deno.test("who has unsubscribed is woken no more, and others of the mailbox are", async () => {
  using store = await openStore(":memory:");
  await using doorbells = new Doorbells(store);
  const mailbox = newMailbox();
  const counts = [0, 0];
  const [one, two] = counts.map((_, i) =>
    doorbells.subscribe(mailbox, () => {
      counts[i] = (counts[i] ?? 0) + 1;
    })
  );
  assert.ok(one && two);
  assert.equal(doorbells.stats.readers, 2);
  one();
  one();
  assert.equal(doorbells.stats.readers, 1);
  await commitMessage(store, newMessage(mailbox), NOW);
  assert.equal(counts[0], 0);
  assert.ok((counts[1] ?? 0) > 0);
  two();
  // Who comes when all have gone is not unsubscribed by them.
  let third = 0;
  doorbells.subscribe(mailbox, () => third++);
  one();
  two();
  assert.equal(doorbells.stats.readers, 1);
  await commitMessage(store, newMessage(mailbox), NOW);
  assert.ok(third > 0);
});

Deno.test("disposed of, doorbells leave no timer, watch or listener behind", async () => {
  await using bells = await openBells();
  const { doorbells, clock, watching, woken, listen, until, store } = bells;
  const mailbox = newMailbox();
  listen(mailbox);
  await until(() => woken.get(mailbox) === SHARDS);
  await doorbells[Symbol.asyncDispose]();
  assert.equal(clock.timers, 0);
  assert.deepEqual(watching.watches, { begun: 1, ended: 1 });
  assert.equal(doorbells.stats.readers, 0);
  listen(mailbox);
  await commitMessage(store, newMessage(mailbox), NOW);
  assert.equal(woken.get(mailbox), SHARDS);
});
