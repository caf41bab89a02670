/** Following a mailbox: where it begins, its rounds, and what it leaves behind. */
import assert from "node:assert/strict";
import type { Doorbells } from "../../../kv/bells/doorbells.ts";
import { follow, type FollowOptions } from "../../../kv/bells/follow.ts";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { openStore } from "../../../kv/store/store.ts";
import { ManualClock } from "../../manual_clock.ts";
import { newMessage, openMailbox } from "../message_maker.ts";

/** Followed by hand: the test rings, and moves the clock. */
async function followed(changes: Partial<FollowOptions> = {}) {
  const store = await openStore(":memory:");
  const clock = new ManualClock();
  const mailbox = await openMailbox(store);
  const rings = new Set<() => void>();
  const doorbells: Pick<Doorbells, "subscribe"> = {
    subscribe(_, ring) {
      rings.add(ring);
      return () => void rings.delete(ring);
    },
  };
  const gone = new AbortController();
  const pages = follow(store, doorbells as Doorbells, {
    mailbox,
    after: null,
    limit: 10,
    bandwidth: Infinity,
    clock,
    signal: gone.signal,
    ...changes,
  });
  return {
    clock,
    gone,
    pages,
    rings,
    async deliver() {
      await commitMessage(store, newMessage(mailbox), clock.time);
      for (const ring of rings) ring();
    },
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

Deno.test("follow() begins anew behind a cursor that the store never gave out", async () => {
  using one = await followed({ after: `${"0".repeat(12)}-${"f".repeat(20)}` });
  const { value } = await one.pages.next();
  assert.equal(value?.reset, true);
  await one.pages.return(undefined);
});

Deno.test("follow() gives what came amid a round when the round is over, and not before", async () => {
  using one = await followed({ round: 1_000 });
  await one.deliver();
  assert.equal((await one.pages.next()).value?.messages.length, 1);
  let isGiven = false;
  const next = one.pages.next().then((page) => {
    isGiven = true;
    return page;
  });
  await one.clock.waitedFor(1); // the round's end
  await one.deliver();
  await one.deliver();
  one.clock.advance(999);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(isGiven, false);
  one.clock.advance(1);
  assert.equal((await next).value?.messages.length, 2, "both in one page");
  await one.pages.return(undefined);
});

Deno.test("follow() leaves no timer and no reader behind, also amid a round", async () => {
  using one = await followed({ round: 1_000 });
  await one.deliver();
  await one.pages.next();
  const next = one.pages.next();
  await one.clock.waitedFor(1);
  assert.equal(one.rings.size, 1);
  one.gone.abort();
  assert.equal((await next).done, true);
  assert.deepEqual([one.clock.timers, one.rings.size], [0, 0]);
});
