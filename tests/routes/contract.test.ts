/** The OpenAPI document: valid, and neither more nor less than the truth. */
import { Validator } from "@seriousme/openapi-schema-validator";
import assert from "node:assert/strict";
import { ApiDocument } from "./api_document.ts";
import { type Cases, openWorld, type World } from "./contract_world.ts";
import { SOCKET_TICKET_CASES } from "./socket_ticket_cases.ts";
import { CLOSING_CASES } from "./closing_cases.ts";
import { HANDSHAKE_CASES } from "./handshake_cases.ts";
import { MAILBOX_CASES } from "./mailbox_cases.ts";
import { MESSAGE_CASES } from "./message_cases.ts";
import { TestRelay } from "./relay_fixture.ts";

const CASES: Cases = {
  ...MESSAGE_CASES,
  ...HANDSHAKE_CASES,
  ...SOCKET_TICKET_CASES,
  ...MAILBOX_CASES,
  ...CLOSING_CASES,
};

async function readDocument(relay: TestRelay) {
  const response = await relay.fetch("/openapi.json");
  assert.equal(response.status, 200);
  assert.match(
    response.headers.get("Content-Type") ?? "",
    /^application\/json/,
  );
  return await response.json();
}

/** What requests hold of the relays while they are under way. */
function leftIn({ relay, broken }: World) {
  return [relay, broken].map(({ app: { use }, clock }) => {
    // Of all bodies there is one timer, for a second behind the last.
    use.uploads[Symbol.dispose]();
    return {
      timers: clock.timers,
      underWay: use.drain.size,
      streams: use.streams.size,
      bodies: use.uploads.size,
      bodyBytes: use.uploads.bytes,
      waiting: use.backlog.bytes,
    };
  });
}

const NOTHING = Array(2).fill({
  timers: 0,
  underWay: 0,
  streams: 0,
  bodies: 0,
  bodyBytes: 0,
  waiting: 0,
});

Deno.test("/openapi.json is a valid OpenAPI 3.1 document", async () => {
  using relay = await TestRelay.open();
  const document = await readDocument(relay);
  const result = await new Validator().validate(document);
  assert.deepEqual(result, { valid: true });
  assert.match(document.openapi, /^3\.1\./);
  assert.deepEqual(document.servers, [{ url: relay.relay.url }]);
});

Deno.test("every documented outcome happens, and no other", async (t) => {
  using relay = await TestRelay.open();
  const document = new ApiDocument(await readDocument(relay));
  const world = await openWorld(relay);
  const outcomes: string[] = [];
  for (const [operation, cases] of Object.entries(CASES)) {
    for (const { when, ask, then } of cases) {
      await t.step(`${operation}, ${when}: ${then}`, async () => {
        const response = await ask(world);
        const outcome = await document.check(operation, response);
        assert.equal(outcome, `${operation} ${then}`);
        assert.deepEqual(leftIn(world), NOTHING, "nothing is left behind");
        outcomes.push(outcome);
      });
    }
  }
  // Asking too often is the same for all, and has a test of its own.
  const expected = document.outcomes().filter((outcome) =>
    !outcome.endsWith("429 rate-limited")
  );
  assert.deepEqual(outcomes.sort(), expected);
  assert.deepEqual(relay.failures, [], "nothing failed that should not");
});
