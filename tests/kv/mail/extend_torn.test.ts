/** A message that comes again twice at once, of which one reads amid the other. */
import assert from "node:assert/strict";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { extendMessage } from "../../../kv/mail/extend.ts";
import { newMessage, NOW, openMailbox } from "../message_maker.ts";
import { spiedWith } from "../spied_database.ts";

Deno.test("who comes again while another's wish is done is told of what is stored then", async () => {
  const paid = { by: "work", hashes: 20_000 } as const;
  const bought = { hold: 7_000, paidFor: 130_660 };
  const wish = {
    wanted: 7_000,
    minBandwidth: 0,
    paid,
    workUntil: NOW + 1e7,
    price: () => bought,
  };
  // Each read of the second is kept up once: of the mark, and of all of it.
  for (let stopAt = 1; stopAt <= 2; stopAt++) {
    using spied = await spiedWith();
    const { store, spy } = spied;
    const mailbox = await openMailbox(store);
    const message = newMessage(mailbox, 100, {
      minBandwidth: 9_001,
      paid,
      workUntil: NOW + 1e7,
      hold: () => bought,
    });
    await commitMessage(store, message, NOW);
    const gate = Promise.withResolvers<void>();
    let reads = 0;
    spy.onRead = () => ++reads === stopAt ? gate.promise : Promise.resolve();
    const second = extendMessage(store, message.id, wish, NOW);
    const stopped = async () => {
      while (reads < stopAt) await new Promise((go) => setTimeout(go, 1));
    };
    // It may have ended before.
    await Promise.race([stopped(), second]);
    reads = Math.max(reads, stopAt);
    const first = await extendMessage(store, message.id, wish, NOW);
    gate.resolve();
    const after = await second;
    assert.deepEqual(after?.message, first?.message);
  }
});
