/** A reader's stay: when it has to go, and why. */
import assert from "node:assert/strict";
import { keys } from "../../kv/kinds.ts";
import { commitMessage } from "../../kv/mail/accept.ts";
import { revokeTokens } from "../../kv/mail/admin.ts";
import { TOKEN_LIFETIME, type VerifiedGrant } from "../../lib/token.ts";
import { DEFAULT_CAPS } from "../../relay/caps.ts";
import { beginStay, pagesOf, type StayOptions } from "../../relay/stay.ts";
import { Streams } from "../../relay/streams.ts";
import { newMessage } from "../kv/message_maker.ts";
import { ManualClock } from "../manual_clock.ts";
import { Owner } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";

/** A stay of the owner of a mailbox under a token that is new. */
async function stayOf(relay: TestRelay, changes: Partial<StayOptions> = {}) {
  const { mailbox } = await Owner.open(relay);
  const streams = new Streams(new ManualClock(), DEFAULT_CAPS);
  const expires = relay.clock.time + TOKEN_LIFETIME;
  const grant: VerifiedGrant = {
    id: "token",
    mailbox,
    scopes: ["read"],
    jkt: null,
    expires,
  };
  const stay = await beginStay(relay.relay, streams, grant, "events", {
    mailbox,
    after: null,
    bandwidth: Infinity,
    delivery: "full",
    reader: null,
    ...changes,
  });
  return { stay, streams, mailbox, expires };
}

Deno.test("a stay is over at the very end of its token, and not a millisecond before", async () => {
  using relay = await TestRelay.open();
  const { stay, streams, expires } = await stayOf(relay);
  assert.equal(streams.size, 1);
  relay.clock.time = expires - 1;
  assert.equal(stay.endOf(), null);
  relay.clock.time = expires;
  assert.equal(stay.endOf(), "token-expired");
  streams.close();
  assert.equal(stay.endOf(), "shutdown", "which is told first");
});

Deno.test("a device that stays by its name is noted, and one that says none is not", async () => {
  for (const reader of ["phone", null]) {
    using relay = await TestRelay.open();
    const { mailbox } = await stayOf(relay, { reader });
    const { value } = await relay.relay.store.get(keys.readers(mailbox));
    const names = Object.keys(value ?? {});
    assert.deepEqual(names, reader === null ? [] : [reader]);
  }
});

Deno.test("a stay is over once its token is known to be revoked", async () => {
  using relay = await TestRelay.open();
  const { stay, mailbox } = await stayOf(relay);
  const { store } = relay.relay;
  assert.equal(stay.endOf(), null);
  await revokeTokens(store, mailbox, relay.clock.time);
  relay.clock.advance(5_000);
  // It looks whenever it is asked, and does not wait for the answer.
  for (let n = 0; n < 1_000 && stay.endOf() === null; n++) {
    await store.get(keys.revocation());
  }
  assert.equal(stay.endOf(), "token-expired");
});

Deno.test("a stay's pages are of a hundred messages and 64 KiB at most, and an operator hears of a body that is missing", async () => {
  using relay = await TestRelay.open();
  const { stay, mailbox } = await stayOf(relay);
  const { store } = relay.relay;
  const now = relay.clock.time;
  const small = Array.from({ length: 150 }, () => newMessage(mailbox, 10));
  await Promise.all(small.map((one) => commitMessage(store, one, now)));
  const large = [];
  for (let n = 0; n < 3; n++) {
    const message = newMessage(mailbox, 60_000);
    large.push((await commitMessage(store, message, now)).message);
  }
  const [, lost] = large;
  assert.ok(lost);
  await store.commit((operation) =>
    operation.delete(keys.segment(lost.object, 0))
  );
  const pages = pagesOf(stay, new AbortController().signal);
  const counts: number[] = [];
  for await (const page of pages) {
    counts.push(page?.messages.length ?? 0);
    if (!page?.more) break;
  }
  assert.deepEqual(counts, [100, 51, 1, 1]);
  assert.equal(relay.failures.length, 1);
});
