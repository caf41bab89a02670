/** A burst of posts is priced one by one, and never stores more than the quota. */
import assert from "node:assert/strict";
import { commitMessage } from "../../kv/mail/accept.ts";
import { keptBytes, type StoredMessage } from "../../kv/mail/entry.ts";
import { completeHandshake } from "../../kv/mail/mailboxes.ts";
import { ledgerOf } from "../../kv/mail/ledger.ts";
import { relayUsage } from "../../kv/mail/usage.ts";
import { openDatabase } from "../../kv/store/deno_kv.ts";
import { openStore, Store } from "../../kv/store/store.ts";
import { type MailboxId, mailboxIdOf } from "../../lib/ids.ts";
import { Problem } from "../../lib/problem.ts";
import { DEFAULT_QUOTAS, fillOf } from "../../lib/quota.ts";
import { EMPTY_FILL, priceHold } from "../../lib/work/price.ts";
import { targetOf } from "../../lib/work/target.ts";
import { priceBy } from "../../relay/room.ts";
import { DenoKvServer } from "../kv/denokv_server.ts";
import { newMessage, NOW } from "../kv/message_maker.ts";
import { assertWhole } from "../kv/recount.ts";
import { LIMITS } from "../kv/spied_database.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { randomBytes } from "../routes/envelopes.ts";
import { TestRelay } from "../routes/relay_fixture.ts";

const SIZE = 6_400;
/** Messages of that size that a mailbox, or the relay, has room for. */
const ROOM = 20;
const POSTS = 150;
const QUOTA = { bytes: ROOM * keptBytes(SIZE), messages: 100_000 };

async function openMailbox(store: Store): Promise<MailboxId> {
  const publicKey = randomBytes(44);
  const handshake = { id: publicKey.toHex(), expires: NOW, publicKey };
  await completeHandshake(store, handshake, NOW);
  return mailboxIdOf(publicKey);
}

/** What came of a post: the message, or the code of the problem. */
type Posted = StoredMessage | string;

/** Posts a message by a relay's rules, past the check of its work. */
async function post(
  { relay }: TestRelay,
  store: Store,
  { mailbox, hashes }: {
    readonly mailbox: MailboxId;
    readonly hashes: number;
  },
): Promise<Posted> {
  const target = targetOf(BigInt(hashes));
  const hold = priceBy(relay, { mailbox, size: SIZE, target, now: NOW });
  for (let tries = 0;; tries++) {
    try {
      const message = newMessage(mailbox, SIZE, { hold });
      return (await commitMessage(store, message, NOW)).message;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // Two workers on one file may be in each other's way.
      if (error.code !== "busy" || tries === 50) return error.code;
    }
  }
}

/** Which stores there are: how many workers, on what. */
const PLACES: Readonly<
  Record<string, (stack: AsyncDisposableStack) => Promise<Store[] | null>>
> = {
  "one worker": async (stack) => [stack.use(await openStore(":memory:"))],
  async "two workers on a file"(stack) {
    const directory = stack.use(await TempDirectory.make());
    const file = directory.file("store.kv");
    return [stack.use(await openStore(file)), stack.use(await openStore(file))];
  },
  async "two workers on a denokv"(stack) {
    const server = stack.use(await DenoKvServer.start());
    if (server === null) return null;
    const { url } = server;
    return [stack.use(await openStore(url)), stack.use(await openStore(url))];
  },
};

const hasServer = await DenoKvServer.isThere();

for (const [place, open] of Object.entries(PLACES)) {
  const ignore = place.endsWith("denokv") && !hasServer;
  const quotas = { ...DEFAULT_QUOTAS, mailbox: QUOTA };

  Deno.test({
    name:
      `${POSTS} posts at once store no more than a mailbox's quota: ${place}`,
    ignore,
    async fn() {
      await using stack = new AsyncDisposableStack();
      const stores = await open(stack);
      const [first] = stores ?? [];
      assert.ok(stores && first);
      const relay = stack.use(await TestRelay.open({ quotas }));
      const mailbox = await openMailbox(first);
      const hashes = 10_000 * 2 ** 20; // enough for any price
      const posted = await Promise.all(
        Array.from({ length: POSTS }, (_, n) => {
          const store = stores[n % stores.length] ?? first;
          return post(relay, store, { mailbox, hashes });
        }),
      );
      const stored = posted.filter((one) => typeof one !== "string");
      const refused = posted.filter((one) => typeof one === "string");
      assert.equal(stored.length, ROOM);
      assert.deepEqual([...new Set(refused)], ["mailbox-full"]);
      await assertWhole(first);
    },
  });

  Deno.test({
    name:
      `each of ${POSTS} posts at once has the hold of its own moment: ${place}`,
    ignore,
    async fn() {
      await using stack = new AsyncDisposableStack();
      const stores = await open(stack);
      const [first] = stores ?? [];
      assert.ok(stores && first);
      const relay = stack.use(await TestRelay.open({ quotas }));
      const mailbox = await openMailbox(first);
      const hashes = 20_000;
      const posted = await Promise.all(
        Array.from({ length: POSTS }, (_, n) => {
          const store = stores[n % stores.length] ?? first;
          return post(relay, store, { mailbox, hashes });
        }),
      );
      const stored = posted.filter((one) => typeof one !== "string")
        .toSorted((a, b) => a.cursor < b.cursor ? -1 : 1);
      const work = { size: SIZE, target: targetOf(BigInt(hashes)) };
      const holdAt = (n: number) => {
        const used = { bytes: n * keptBytes(SIZE), messages: n };
        const fill = fillOf(used, QUOTA);
        return priceHold(work, { mailbox: fill, relay: EMPTY_FILL });
      };
      for (const [n, { storedAt, holdUntil }] of stored.entries()) {
        assert.equal(holdUntil - storedAt, 1_000 * holdAt(n), `the ${n}th`);
      }
      assert.throws(() => holdAt(stored.length), Problem, "and no more");
      assert.ok(holdAt(0) > 2 * holdAt(stored.length - 1), "it got dearer");
      const refused = posted.filter((one) => typeof one === "string");
      assert.deepEqual([...new Set(refused)], ["work-insufficient"]);
    },
  });
}

Deno.test("a burst goes over the relay's quota by a batch of each other worker at most", async (t) => {
  for (const workers of [1, 2, 3]) {
    await t.step(`${workers} workers`, async () => {
      await using stack = new AsyncDisposableStack();
      const directory = stack.use(await TempDirectory.make());
      const file = directory.file("store.kv");
      const quotas = { ...DEFAULT_QUOTAS, relay: QUOTA };
      const relay = stack.use(await TestRelay.open({ quotas }));
      const limits = { ...LIMITS, mutations: 50 };
      const batch = 5; // messages that so many mutations do for
      const stores: Store[] = [];
      const { record } = stack.use(await openStore(file));
      for (let n = 0; n < workers; n++) {
        const database = await openDatabase(file);
        const store = stack.use(new Store({ database, record, limits }));
        ledgerOf(store).quota = quotas.relay;
        stores.push(store);
      }
      const [first] = stores;
      assert.ok(first);
      const mailboxes: MailboxId[] = [];
      for (let n = 0; n < 10; n++) mailboxes.push(await openMailbox(first));
      const hashes = 10_000 * 2 ** 20;
      const posted = await Promise.all(
        Array.from({ length: POSTS }, (_, n) => {
          const store = stores[n % workers] ?? first;
          const mailbox = mailboxes[n % 10];
          assert.ok(mailbox);
          return post(relay, store, { mailbox, hashes });
        }),
      );
      const { bytes } = await relayUsage(first);
      const over = (workers - 1) * batch * keptBytes(SIZE);
      assert.ok(bytes <= QUOTA.bytes + over, `${bytes} of ${QUOTA.bytes}`);
      assert.ok(bytes > QUOTA.bytes - keptBytes(SIZE), "and fills it");
      const codes = posted.filter((one) => typeof one === "string");
      assert.deepEqual([...new Set(codes)], ["relay-full"]);
      await assertWhole(first);
    });
  }
});
