/** A store that is away, as the log of a relay under load tells it. */
import assert from "node:assert/strict";
import { LineLog } from "../../lib/log.ts";
import { createApp } from "../../routes/app.ts";
import { SECOND } from "./clock.ts";
import { Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

Deno.test("an outage of the store is one line a minute in the log, whatever is asked meanwhile", async () => {
  const relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const lines: string[] = [];
  const log = new LineLog({
    write: (line) => lines.push(line),
    format: "json",
    level: "info",
    now: relay.clock.now,
  });
  const app = await createApp({ ...relay.relay, log });
  const headers = { Authorization: `Bearer ${await owner.token()}` };
  const ask = (path: string) =>
    app.fetch(new Request(new URL(path, relay.relay.url), { headers }));
  const paths = [
    "/health",
    `/v1/mailboxes/${owner.mailbox}`,
    `/v1/mailboxes/${owner.mailbox}/messages`,
  ];
  relay[Symbol.dispose](); // the database is gone
  const minutes = 3;
  for (let second = 0; second < 60 * minutes; second++) {
    for (const path of paths) {
      const response = await ask(path);
      assert.equal(response.status, 503);
      await response.body?.cancel();
    }
    relay.clock.advance(SECOND);
  }
  assert.equal(lines.length, minutes);
  const repeated = lines.map((line) => JSON.parse(line).repeated ?? 0);
  assert.deepEqual(repeated, [0, 179, 179]);
  for (const line of lines) {
    const { level, event, code, error } = JSON.parse(line);
    assert.deepEqual([level, event, code], ["warn", "request-failed", "busy"]);
    assert.equal(error.stack, undefined);
    assert.ok(!line.includes(owner.mailbox));
  }
  log.close();
  assert.equal(JSON.parse(lines.at(-1) ?? "").repeated, 179);
});
