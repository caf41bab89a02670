/** A store some way off: many commits are under way to it, and answers are lost. */
import assert from "node:assert/strict";
import { Cluster } from "./cluster.ts";
import { within } from "./deadline.ts";
import { hasDenoKv } from "./denokv.ts";
import { Load } from "./load.ts";
import { Mailbox } from "./mailbox.ts";

const ignore = !await hasDenoKv("a store that is some way off");

/** Milliseconds from a request to its answer. */
const AWAY = 50;
const MAILBOXES = 6;
/** Messages to each of them. */
const EACH = 30;
const MESSAGES = MAILBOXES * EACH;
const POSTERS = 48;
/** Milliseconds that posting may take. */
const PATIENCE = 60_000;

Deno.test({
  name:
    "nothing is lost or doubled where the network to a store far away is cut again and again",
  ignore,
  async fn() {
    await using cluster = await Cluster.start({ away: AWAY });
    const { network, workers } = cluster;
    const mailboxes = await Promise.all(
      Array.from({ length: MAILBOXES }, () => Mailbox.open(cluster)),
    );
    const load = await Load.prepare({
      mailboxes,
      messages: MESSAGES,
      posters: POSTERS,
    });
    const connections = network.connections;
    const cutting = async () => {
      for (const share of [0.3, 0.6]) {
        await load.hasAnswered(share * MESSAGES);
        assert.ok(load.answered < MESSAGES, "it is cut under load");
        network.cutAll();
      }
    };
    await within(
      PATIENCE,
      "posting everything",
      Promise.all([cutting(), load.run(cluster)]),
    );
    for (const mailbox of mailboxes) {
      for (const { url } of workers) {
        const ids = (await mailbox.readAll(url)).map(({ id }) => id);
        assert.deepEqual(ids, mailbox.answered());
        assert.equal(ids.length, EACH);
      }
    }
    // Else nothing was cut that anybody needed.
    const isAnew = network.connections - connections >= 2 * workers.length;
    console.log(JSON.stringify({ unknown: load.unknown }));
    assert.ok(isAnew, `${network.connections - connections} connections anew`);
  },
});
