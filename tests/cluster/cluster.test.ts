/** Several workers on one store are one relay. */
import assert from "node:assert/strict";
import { Relay } from "../../client/mod.ts";
import type { Page } from "../routes/owner.ts";
import { Cluster, WORKERS } from "./cluster.ts";
import { within } from "./deadline.ts";
import { hasDenoKv } from "./denokv.ts";
import { Follower } from "./follower.ts";
import { Mailbox } from "./mailbox.ts";
import { TRANSPORTS } from "./transports.ts";

const ignore = !await hasDenoKv("a cluster of workers");

/** Milliseconds; who misses a doorbell looks for mail after 10 s only. */
const BY_EVENT = 3_000;

Deno.test({
  name: "workers that start at once on an empty store are one relay",
  ignore,
  async fn() {
    await using cluster = await Cluster.start();
    const urls = cluster.workers.map(({ url }) => url);
    const descriptors = await Promise.all(
      urls.map(async (url) => ({
        ...await new Relay(url).descriptor(),
        time: 0, // differs, as clocks do
      })),
    );
    assert.equal(new Set(urls).size, WORKERS);
    for (const descriptor of descriptors) {
      assert.deepEqual(descriptor, descriptors[0]);
    }
    const mailbox = await Mailbox.open(cluster);
    const path = `/v1/mailboxes/${mailbox.id}/messages`;
    for (let i = 0; i < WORKERS; i++) {
      const page: Page = await (await mailbox.session.fetch(path)).json();
      assert.deepEqual(page.messages, []);
    }
    const pages = await Promise.all(urls.map((url) => mailbox.page(url)));
    for (const { next } of pages) assert.equal(next, pages[0]?.next);
  },
});

Deno.test({
  name:
    "a message posted through one worker reaches every worker's readers by event",
  ignore,
  async fn() {
    await using cluster = await Cluster.start();
    const mailbox = await Mailbox.open(cluster);
    await using readers = new AsyncDisposableStack();
    const followers = cluster.workers.flatMap(({ url }) =>
      Object.values(TRANSPORTS).map((transport) =>
        readers.use(new Follower({ mailbox, transport, worker: () => url }))
      )
    );
    const sizes = [200, 4_200, 60_000];
    for (let sent = 1; sent <= 3 * WORKERS; sent++) {
      const posting = await mailbox.message(sizes[sent % sizes.length] ?? 200);
      assert.equal(await posting.send(cluster.next().url), "answered");
      await within(
        BY_EVENT,
        `message ${sent} to all readers`,
        Promise.all(followers.map((follower) => follower.has(sent))),
      );
    }
    for (const { ids, breaks } of followers) {
      assert.deepEqual(ids, mailbox.answered());
      assert.equal(breaks, 0);
    }
  },
});

Deno.test({
  name: "workers that race for one message store it once, with one receipt",
  ignore,
  async fn() {
    await using cluster = await Cluster.start();
    const mailbox = await Mailbox.open(cluster);
    for (const size of [200, 4_200, 60_000]) {
      const posting = await mailbox.message(size);
      const sendings = await Promise.all(
        Array.from({ length: 20 }, () => posting.send(cluster.next().url)),
      );
      assert.deepEqual(new Set(sendings), new Set(["answered"]));
      assert.ok(!posting.isUnheard, "one of them was told 201");
    }
    for (const { url } of cluster.workers) {
      const ids = (await mailbox.readAll(url)).map(({ id }) => id);
      assert.deepEqual(ids, mailbox.answered());
      assert.equal(ids.length, 3);
    }
  },
});
