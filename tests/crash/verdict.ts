/** What must be true of a relay after all its crashes. */
import assert from "node:assert/strict";
import { Relay } from "../../client/mod.ts";
import { receiptRoot } from "../../lib/object.ts";
import { verifyReceipt } from "../../lib/receipt.ts";
import type { Dice } from "./dice.ts";
import type { Inbox } from "./inbox.ts";
import type { Load } from "./load.ts";

/** Old cursors of each mailbox that are tried, besides the oldest. */
const OLD_CURSORS = 12;

/** Holds everything that was ever answered against what the relay has. */
export async function assertNothingLost(
  load: Load,
  url: string,
  dice: Dice,
): Promise<void> {
  for (const inbox of load.inboxes) {
    await inbox.settleAcknowledgement();
    inbox.assertSeenIsAnswered();
    const tried = Array.from(
      { length: OLD_CURSORS },
      () => dice.pick(inbox.cursors) ?? null,
    );
    for (const after of [null, ...tried]) {
      const due = inbox.due(after);
      assert.deepEqual(await idsBehind(inbox, after, dice), due);
    }
  }
  await assertReceipts(load, url);
}

async function idsBehind(
  inbox: Inbox,
  after: string | null,
  dice: Dice,
): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor = after;;) {
    const page = await inbox.read(cursor, dice.between(20, 100));
    assert.ok(page !== null, "the relay answers");
    ids.push(...page.messages.map(({ id }) => id));
    if (!page.more) return ids;
    cursor = page.next;
  }
}

async function assertReceipts(load: Load, url: string): Promise<void> {
  const key = await new Relay(url).verifyingKey();
  for (const { answer, envelope } of load.postings) {
    assert.ok(answer, "every message has its answer");
    const { id, mailbox, object, size, cursor, storedAt, holdUntil, paid } =
      answer;
    assert.deepEqual(await verifyReceipt(answer.receipt, key), {
      iss: key.relayId,
      sub: mailbox,
      jti: id,
      object,
      size,
      root: receiptRoot(envelope),
      cursor,
      iat: Math.floor(storedAt / 1_000),
      exp: Math.floor(holdUntil / 1_000),
      paid,
    });
  }
}

/** Refused messages have left nothing in a store that nobody has open. */
export async function assertNoTraces(
  file: string,
  refused: readonly { readonly id: string; readonly object: string }[],
): Promise<void> {
  using kv = await Deno.openKv(file);
  const names = new Set(refused.flatMap(({ id, object }) => [id, object]));
  for await (const { key } of kv.list({ prefix: [] })) {
    const trace = key.find((part) => names.has(String(part)));
    assert.equal(trace, undefined, `a refused message has left ${key}`);
  }
}
