/** What a message costs by the room that there is, and when there is none. */
import assert from "node:assert/strict";
import { commitMessage } from "../../kv/mail/accept.ts";
import { keptBytes } from "../../kv/mail/entry.ts";
import { changedRow, type Usage, type UsageRow } from "../../kv/mail/usage.ts";
import { openStore } from "../../kv/store/store.ts";
import type { MailboxId } from "../../lib/ids.ts";
import { Problem } from "../../lib/problem.ts";
import type { Quota } from "../../lib/quota.ts";
import { DEFAULT_WORK_PRICE } from "../../lib/work/price.ts";
import { hashesOf, targetOf } from "../../lib/work/target.ts";
import type { Relay } from "../../relay/relay.ts";
import { priceBy, shownTo } from "../../relay/room.ts";
import {
  newMailbox,
  newMessage,
  NOW,
  openMailbox,
} from "../kv/message_maker.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { HOUR } from "../routes/clock.ts";

const SIZE = 4_096;
const NOTHING: Usage = { bytes: 0, messages: 0 };
const MUCH: Quota = { bytes: 1e9, messages: 1e6 };

/** What is unusual about the room. */
interface RoomCase {
  readonly mailbox?: Usage;
  /** What the mailbox held some hours ago. */
  readonly former?: Usage;
  readonly relay?: Usage;
  /** The mailbox's own. */
  readonly quota?: Quota;
  readonly mailboxQuota?: Quota;
  readonly relayQuota?: Quota;
  readonly wanted?: number;
  readonly hashes?: number;
}

function rowOf(usage: Usage, former: Usage): UsageRow {
  const before = changedRow(null, former, NOW - 9 * HOUR);
  const change = {
    bytes: usage.bytes - former.bytes,
    messages: usage.messages - former.messages,
  };
  return { ...changedRow(before, change, NOW), isOpen: true };
}

/** Days that 100,000 hashes, if not said otherwise, keep 4 KiB. */
function daysIn(room: RoomCase): [held: number, paidFor: number] {
  const { mailboxQuota = MUCH, relayQuota = MUCH, hashes = 100_000 } = room;
  const relay = {
    price: DEFAULT_WORK_PRICE,
    quotas: { mailbox: mailboxQuota, relay: relayQuota },
  } as Relay;
  const price = priceBy(relay, {
    mailbox: newMailbox(),
    size: SIZE,
    target: targetOf(hashes),
    wanted: room.wanted,
    quota: room.quota,
    now: NOW,
  });
  const { mailbox = NOTHING, former = NOTHING, relay: all = NOTHING } = room;
  const { hold, paidFor } = price({
    mailbox: rowOf(mailbox, former),
    relay: all,
  });
  return [Math.round(hold / 864) / 100, Math.round(paidFor / 864) / 100];
}

const half = { bytes: 0, messages: 5 };
const ten = { bytes: 1e9, messages: 10 };

Deno.test("priceBy() prices by the mailbox's own quota, or the relay's for each, and by the relay's", async (t) => {
  const table: [what: string, RoomCase, days: [number, number]][] = [
    ["empty", {}, [10, 10]],
    ["less wanted", { wanted: 86_400 }, [1, 10]],
    ["half a mailbox", { mailbox: half, mailboxQuota: ten }, [0.31, 0.31]],
    ["half of its own", { mailbox: half, quota: ten }, [0.31, 0.31]],
    [
      "its own is larger",
      { mailbox: half, quota: MUCH, mailboxQuota: ten },
      [10, 10],
    ],
    ["half a relay", { relay: half, relayQuota: ten }, [0.31, 0.31]],
    ["its own is no other's", { relay: half, quota: ten }, [10, 10]],
  ];
  for (const [what, room, days] of table) {
    await t.step(what, () => assert.deepEqual(daysIn(room), days));
  }
});

Deno.test("priceBy() takes what fits to the last byte and message, and refuses what does not", async (t) => {
  const kept = keptBytes(SIZE);
  const bytes = (quota: number) => ({ bytes: quota, messages: 1e6 });
  const hashes = 2 ** 34; // enough for any fill
  const table: [what: string, RoomCase, code: string | null][] = [
    ["the last bytes", { quota: bytes(kept) }, null],
    ["a byte too many", { quota: bytes(kept - 1) }, "mailbox-full"],
    ["the last message", {
      mailbox: { ...ten, messages: 9, bytes: 0 },
      quota: ten,
    }, null],
    [
      "one too many",
      { mailbox: { ...ten, bytes: 0 }, quota: ten },
      "mailbox-full",
    ],
    ["the relay's last bytes", { relayQuota: bytes(kept) }, null],
    ["one too many for it", { relayQuota: bytes(kept - 1) }, "relay-full"],
    ["both", { quota: bytes(0), relayQuota: bytes(0) }, "mailbox-full"],
  ];
  for (const [what, room, code] of table) {
    await t.step(what, () => {
      const price = () => daysIn({ hashes, ...room });
      if (code === null) assert.ok(price());
      else assert.throws(price, { code });
    });
  }
});

Deno.test("priceBy() of a mailbox that is closed, or was never opened, finds none", () => {
  const relay = {
    price: DEFAULT_WORK_PRICE,
    quotas: { mailbox: MUCH, relay: MUCH },
  } as Relay;
  const message = { size: SIZE, target: targetOf(100_000) };
  const price = priceBy(relay, { mailbox: newMailbox(), now: NOW, ...message });
  const closed = { ...rowOf(NOTHING, NOTHING), isOpen: false };
  for (const mailbox of [null, closed]) {
    const room = { mailbox, relay: NOTHING };
    assert.throws(() => price(room), { code: "mailbox-unknown" });
  }
});

Deno.test("priceBy() refuses too little work with the price that anybody is told, by the quota that counts", async (t) => {
  // A day of 4 KiB: 10,000 hashes, doubled five times where half is taken.
  const wanted = 10 * 86_400;
  const table: [what: string, RoomCase, hashes: number][] = [
    ["as it is shown", { hashes: 99_999 }, 100_000],
    ["as it was", { mailbox: half, former: half, quota: ten }, 3_200_000],
    [
      "as it was, by the relay's quota for each",
      { mailbox: half, former: half, mailboxQuota: ten },
      3_200_000,
    ],
    // The work is as much as is shown: it is told to double it, and no more.
    ["risen since", { mailbox: half, quota: ten }, 200_000],
    ["risen for the relay", { relay: half, relayQuota: ten }, 3_200_000],
  ];
  for (const [what, room, hashes] of table) {
    await t.step(what, () => {
      assert.throws(() => daysIn({ wanted, ...room }), (error) => {
        assert.ok(error instanceof Problem);
        const { code, members } = error;
        assert.deepEqual(
          [code, members["hashes"], members["seconds"]],
          ["work-insufficient", hashes, wanted],
        );
        const target = BigInt(`0x${members["target"]}`);
        assert.equal(hashesOf(target), hashes);
        return true;
      });
    });
  }
});

Deno.test("shownTo() shows what others have stored to a worker that has just started, and a mailbox as it was", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  let mailbox: MailboxId;
  {
    using other = await openStore(file);
    mailbox = await openMailbox(other);
    for (let n = 0; n < 5; n++) {
      await commitMessage(other, newMessage(mailbox), NOW);
    }
  }
  using store = await openStore(file);
  const quotas = { mailbox: ten, relay: { bytes: 1e9, messages: 20 } };
  const shown = async (mailbox: MailboxId | null, now: number) => {
    const relay = { store, quotas, now: () => now } as Relay;
    const { fills, mailbox: record } = await shownTo(relay, mailbox);
    return [fills.mailbox.used, fills.relay.used, record?.createdAt];
  };
  // The mailbox itself counts for the relay.
  assert.deepEqual(await shown(null, NOW), [0, 6, undefined]);
  assert.deepEqual(await shown(mailbox, NOW), [0, 6, NOW]);
  assert.deepEqual(await shown(mailbox, NOW + 2 * HOUR), [5, 6, NOW]);
  assert.deepEqual(await shown(newMailbox(), NOW), [0, 6, undefined]);
});
