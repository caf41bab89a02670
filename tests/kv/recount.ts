/** Everything in a store counted anew, from the entries themselves. */
import assert from "node:assert/strict";
import { type DueItem, hourOf } from "../../kv/mail/due.ts";
import {
  keptBytes,
  MAILBOX_BYTES,
  MARK_BYTES,
  type StoredFacts,
  TOMBSTONE_BYTES,
  TOMBSTONE_MS,
} from "../../kv/mail/entry.ts";
import { type Mailbox, UNUSED_MS } from "../../kv/mail/mailboxes.ts";
import { segmentCount, type StoredHeader } from "../../kv/mail/objects.ts";
import { decodeRow } from "../../kv/mail/row.ts";
import { relayUsage, type Usage, type UsageRow } from "../../kv/mail/usage.ts";
import type { Store } from "../../kv/store/store.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { dump } from "../routes/relay_fixture.ts";

/** What a recount found. */
export interface Recount {
  /** By mailbox: what its row should say. */
  readonly mailboxes: ReadonlyMap<string, Usage>;
  readonly relay: Usage;
}

/**
 * Counts a store anew, and asserts that it is of one piece: that its counts are
 * the recount, that every body belongs to an entry and every entry has its body
 * and its mark, and that everything that ends is in the due index at its hour.
 */
export async function assertWhole(store: Store): Promise<Recount> {
  const entries = await dump(store);
  const of = <T>(kind: string) =>
    entries.filter(({ key }) => key[0] === kind) as {
      key: readonly (string | number)[];
      value: T;
      versionstamp: string;
    }[];
  const due = new Set<string>();
  for (const { key, value } of of<readonly DueItem[]>("due")) {
    const [, hour, kind] = key;
    for (const { mailbox, id = "" } of value) {
      due.add(`${hour} ${kind} ${mailbox} ${id}`);
    }
  }
  const isDue = (kind: string, at: number, mailbox: string, id = "") =>
    assert.ok(
      due.has(`${hourOf(at)} ${kind} ${mailbox} ${id}`),
      `${kind} of ${id || mailbox} falls due`,
    );
  const mailboxes = new Map<string, Usage>();
  let relay: Usage = { bytes: 0, messages: 0 };
  const add = (mailbox: string, bytes: number, messages: number) => {
    const before = mailboxes.get(mailbox) ?? { bytes: 0, messages: 0 };
    mailboxes.set(mailbox, {
      bytes: before.bytes + bytes,
      messages: before.messages + messages,
    });
    relay = { bytes: relay.bytes + bytes, messages: relay.messages + messages };
  };
  const marks = new Map(
    of<StoredFacts>("seen").map(({ key, value }) => [String(key[1]), value]),
  );
  const headers = new Map(
    of<StoredHeader>("object").map(({ key, value }) => [String(key[1]), value]),
  );
  const listed = new Set<string>();
  let segments = 0;
  for (const { key, value } of of<Bytes>("message")) {
    const mailbox = String(key[1]);
    for (const entry of decodeRow(value)) {
      const { id, object, size, place, holdUntil } = entry;
      listed.add(id);
      assert.equal(marks.get(id)?.holdUntil, holdUntil, "the mark knows it");
      if (place === "none") {
        add(mailbox, TOMBSTONE_BYTES, 0);
        isDue("tombstone", holdUntil + TOMBSTONE_MS, mailbox, id);
        continue;
      }
      add(mailbox, keptBytes(size), 1);
      isDue("hold", holdUntil, mailbox, id);
      const header = headers.get(object);
      assert.deepEqual(
        [header?.mailbox, header?.size, header?.holdUntil, header?.place],
        [mailbox, size, holdUntil, place],
      );
      headers.delete(object);
      if (place === "segments") segments += segmentCount(size);
    }
  }
  assert.deepEqual([...headers.keys()], [], "objects without an entry");
  assert.equal(of("segment").length, segments, "segments");
  for (const [id, { mailbox, workUntil = 0 }] of marks) {
    if (listed.has(id)) continue;
    add(mailbox, MARK_BYTES, 0);
    isDue("mark", workUntil, mailbox, id);
  }
  for (const { key, value } of of<Mailbox>("mailbox")) {
    const mailbox = String(key[1]);
    relay = {
      bytes: relay.bytes + MAILBOX_BYTES,
      messages: relay.messages + 1,
    };
    if (value.usedAt === undefined) {
      const at = value.createdAt + UNUSED_MS;
      const isLooked = [...due].some((item) =>
        item.endsWith(` mailbox ${mailbox} `) && parseInt(item) >= hourOf(at)
      );
      assert.ok(isLooked, "an unused mailbox is looked at again");
    }
  }
  const rows = new Map<string, Usage>();
  for (const { key, value } of of<UsageRow>("usage")) {
    const { bytes, messages } = value;
    if (bytes > 0 || messages > 0) {
      rows.set(String(key[1]), { bytes, messages });
    }
  }
  const sorted = (map: ReadonlyMap<string, Usage>) =>
    [...map].toSorted(([a], [b]) => a < b ? -1 : 1);
  assert.deepEqual(sorted(rows), sorted(mailboxes), "the mailboxes' counts");
  assert.deepEqual(await relayUsage(store), relay, "the relay's count");
  return { mailboxes, relay };
}
