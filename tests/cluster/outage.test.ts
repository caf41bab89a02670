/** A store that is away for longer than anybody waits, and comes back. */
import assert from "node:assert/strict";
import type { Posting } from "../crash/posting.ts";
import { Cluster } from "./cluster.ts";
import { pauseBeforeRetry, within } from "./deadline.ts";
import { hasDenoKv } from "./denokv.ts";
import { Follower } from "./follower.ts";
import { Mailbox } from "./mailbox.ts";
import { TRANSPORTS } from "./transports.ts";

const ignore = !await hasDenoKv("a store that is away for long");

const SIZES = [200, 4_200, 60_000];
/** Milliseconds in which the relay says that it is busy; it waits for 15 s. */
const TO_REFUSE = 20_000;
/** Milliseconds in which everything is well again. */
const TO_RECOVER = 20_000;

async function health(url: string): Promise<{ status: number; code?: string }> {
  const response = await fetch(`${url}/health`);
  const { code } = await response.json();
  return { status: response.status, code };
}

async function untilAnswered(
  posting: Posting,
  cluster: Cluster,
): Promise<void> {
  while (await posting.send(cluster.next().url) === "unknown") {
    await pauseBeforeRetry();
  }
}

Deno.test({
  name:
    "what is refused while the store is away is stored once when it is back, and waited for",
  ignore,
  async fn() {
    await using cluster = await Cluster.start();
    const { workers, denokv } = cluster;
    const mailbox = await Mailbox.open(cluster);
    await using readers = new AsyncDisposableStack();
    const followers = workers.flatMap(({ url }) =>
      Object.values(TRANSPORTS).map((transport) =>
        readers.use(new Follower({ mailbox, transport, worker: () => url }))
      )
    );
    const make = () => Promise.all(SIZES.map((size) => mailbox.message(size)));
    const [before, underWay, during] = [await make(), await make(), [
      ...await make(),
      ...await make(),
    ]];
    for (const posting of before) await untilAnswered(posting, cluster);
    await Promise.all(followers.map((one) => one.has(before.length)));

    const cutOff = underWay.map((one) => one.send(cluster.next().url));
    await denokv.kill();
    const [, ...healths] = await within(
      TO_REFUSE,
      "refusing everything",
      Promise.all([
        Promise.all(during.map((one) => one.send(cluster.next().url))),
        ...workers.map(({ url }) => health(url)),
      ]),
    );
    for (const { refusals } of during) {
      assert.deepEqual(refusals, [{ code: "busy", retryAfter: "2" }]);
    }
    for (const one of healths) {
      assert.deepEqual(one, { status: 503, code: "busy" });
    }

    await denokv.restart();
    const postings = [...before, ...underWay, ...during];
    const recovering = (async () => {
      // By all workers at once, and what is known already as well.
      await Promise.all([
        ...cutOff,
        ...postings.flatMap((one) => [
          untilAnswered(one, cluster),
          untilAnswered(one, cluster),
        ]),
      ]);
      await Promise.all(followers.map((one) => one.has(postings.length)));
    })();
    await within(TO_RECOVER, "recovering", recovering);
    for (const { url } of workers) {
      assert.equal((await health(url)).status, 200);
      for (const posting of postings) {
        assert.equal(await posting.send(url), "answered");
      }
      const ids = (await mailbox.readAll(url)).map(({ id }) => id);
      assert.equal(ids.length, postings.length);
      assert.deepEqual(ids, mailbox.answered());
    }
    for (const { ids } of followers) assert.deepEqual(ids, mailbox.answered());
  },
});
