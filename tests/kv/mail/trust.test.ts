/** Memory that was relied on in vain is not relied on for a while. */
import assert from "node:assert/strict";
import { Trust } from "../../../kv/mail/trust.ts";
import { newMailbox } from "../message_maker.ts";

Deno.test("what is known of a mailbox is not trusted for a second, and that of others is", () => {
  const trust = new Trust();
  const [one, other] = [newMailbox(), newMailbox()];
  assert.equal(trust.isLost(one, 0), false);
  assert.equal(trust.lose(one, 0), false);
  assert.deepEqual([trust.isLost(one, 999), trust.isLost(one, 1_000)], [
    true,
    false,
  ]);
  assert.equal(trust.isLost(other, 0), false);
});

Deno.test("nothing is trusted once it was in vain four times within a second", () => {
  const trust = new Trust();
  const other = newMailbox();
  // Three in each second, for ever.
  for (let at = 0; at < 10_000; at += 334) {
    assert.equal(trust.lose(newMailbox(), at), false, `${at}`);
    assert.equal(trust.isLost(other, at), false);
  }
  const at = 20_000;
  const lost = [0, 1, 2, 3].map((n) => trust.lose(newMailbox(), at + n));
  assert.deepEqual(lost, [false, false, false, true]);
  assert.equal(trust.isLost(other, at + 1_002), true);
  assert.equal(trust.isLost(other, at + 1_003), false);
});
