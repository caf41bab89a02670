/** A message that comes again with more work, when room has got scarce. */
import assert from "node:assert/strict";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { extendMessage } from "../../../kv/mail/extend.ts";
import { openStore } from "../../../kv/store/store.ts";
import { newMailbox, newMessage, NOW } from "../message_maker.ts";

Deno.test("extendMessage() gives what the first work paid for, if more work buys less by now", async () => {
  using store = await openStore(":memory:", () => NOW);
  const draft = newMessage(newMailbox(), 100, {
    hold: () => ({ hold: 3_600, paidFor: 7_200 }),
  });
  await commitMessage(store, draft, NOW);
  const result = await extendMessage(store, draft.id, {
    minBandwidth: 0,
    paid: { by: "work", hashes: 20_000 },
    price: () => ({ hold: 4_000, paidFor: 4_000 }),
    workUntil: NOW,
  }, NOW);
  assert.equal(result?.message.holdUntil, NOW + 7_200_000);
  assert.equal(result?.message.paid.hashes, 20_000);
});
