/** A refusal nested so deep that saying it again would be a failure of ours. */
import assert from "node:assert/strict";
import { Relay, RelayError } from "../../client/mod.ts";
import { assertClientError } from "../client/assert_client_error.ts";
import { FakeRelay } from "../client/fake_relay.ts";
import { restante } from "../journeys/process.ts";

function nested(levels: number): string {
  const arrays = "[".repeat(levels - 1) + "]".repeat(levels - 1);
  return `{"code":"malformed","detail":"no","more":${arrays}}`;
}

Deno.test("a refusal nested without end is nonsense to the client, and one document to --json", async () => {
  let text = nested(8);
  await using fake = new FakeRelay(() => new Response(text, { status: 400 }));
  const relay = new Relay(fake.url, { patience: 0 });
  await assert.rejects(relay.quote(1, 3_600), RelayError);
  for (const levels of [9, 30_000]) {
    text = nested(levels);
    await assertClientError(relay.quote(1, 3_600), "relay-nonsense");
  }
  const args = ["verify-receipt", "a.b.c", "--relay", fake.url, "--json"];
  const { code, stdout, stderr } = await restante(args);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(JSON.parse(stderr).code, "relay-nonsense");
});
