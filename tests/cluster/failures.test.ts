/** What a cluster answered for outlives its workers and its server. */
import assert from "node:assert/strict";
import { Cluster } from "./cluster.ts";
import { within } from "./deadline.ts";
import { hasDenoKv } from "./denokv.ts";
import { Follower } from "./follower.ts";
import { Load } from "./load.ts";
import { Mailbox } from "./mailbox.ts";
import { TRANSPORTS } from "./transports.ts";

const ignore = !await hasDenoKv("a cluster of workers");

const MAILBOXES = 4;
/** Messages to each of them. */
const EACH = 60;
const MESSAGES = MAILBOXES * EACH;
const POSTERS = 12;
/** Milliseconds that the cluster may take for all of this. */
const PATIENCE = 30_000;

/** A reader at every worker, in turn by each transport, of every mailbox. */
function followAll(
  cluster: Cluster,
  mailboxes: readonly Mailbox[],
  readers: AsyncDisposableStack,
): { mailbox: Mailbox; follower: Follower }[] {
  const transports = Object.values(TRANSPORTS);
  return mailboxes.flatMap((mailbox, i) =>
    cluster.workers.flatMap((home, j) => {
      const transport = transports[(i + j) % transports.length];
      if (transport === undefined) return [];
      const worker = () => (home.isRunning ? home : cluster.next()).url;
      const follower = new Follower({ mailbox, transport, worker });
      return [{ mailbox, follower: readers.use(follower) }];
    })
  );
}

Deno.test({
  name:
    "nothing is lost or doubled where a worker and the store's server are killed under load",
  ignore,
  async fn() {
    await using cluster = await Cluster.start();
    const mailboxes = await Promise.all(
      Array.from({ length: MAILBOXES }, () => Mailbox.open(cluster)),
    );
    const load = await Load.prepare({
      mailboxes,
      messages: MESSAGES,
      posters: POSTERS,
    });
    await using readers = new AsyncDisposableStack();
    const followers = followAll(cluster, mailboxes, readers);
    const posting = load.run(cluster);
    const failing = async () => {
      await load.hasAnswered(MESSAGES / 4);
      await cluster.workers[0]?.kill();
      for (const share of [1 / 2, 3 / 4]) {
        await load.hasAnswered(share * MESSAGES);
        await cluster.denokv.kill();
        assert.ok(load.answered < MESSAGES, "it dies under load");
        await cluster.denokv.restart();
      }
    };
    await within(
      PATIENCE,
      "posting everything",
      Promise.all([failing(), posting]),
    );
    await within(
      PATIENCE,
      "reading everything",
      Promise.all(followers.map(({ follower }) => follower.has(EACH))),
    );
    for (const { mailbox, follower } of followers) {
      assert.deepEqual(follower.ids, mailbox.answered());
    }
    for (const mailbox of mailboxes) {
      for (const { url } of cluster.workers.slice(1)) {
        const ids = (await mailbox.readAll(url)).map(({ id }) => id);
        assert.deepEqual(ids, mailbox.answered());
        assert.equal(ids.length, EACH);
      }
    }
    // Else the kills met an idle cluster, and nothing was shown.
    assert.ok(load.unknown > 0, "sendings that a kill cut off");
    const breaks = followers.map(({ follower }) => follower.breaks);
    assert.ok(breaks.some((count) => count > 0), "readers that a kill cut off");
    console.log(JSON.stringify({ unknown: load.unknown, breaks }));
  },
});
