/** The relay itself, and the way in. */
import {
  type Cases,
  postJson,
  TOO_LARGE,
  UNKNOWN_ID,
  unusual,
} from "./contract_world.ts";
import { DAY } from "./clock.ts";
import { makePackage, randomBytes } from "./envelopes.ts";
import { freshKey, Owner, postEnvelope } from "./owner.ts";
import { DEFAULT_QUOTAS, type Quota, type Quotas } from "../../lib/quota.ts";
import { ORIGIN, TestRelay } from "./relay_fixture.ts";

/** Too little for any message. */
const NO_ROOM: Quota = { bytes: 100, messages: 10 };

/** Posts to a relay with quotas of its own. */
async function postToFull(quotas: Partial<Quotas>): Promise<Response> {
  using relay = await TestRelay.open({
    quotas: { ...DEFAULT_QUOTAS, ...quotas },
  });
  const owner = await Owner.open(relay);
  return await postEnvelope(relay, owner.envelope());
}

/** What is asked, and what is answered. */
export const MESSAGE_CASES: Cases = {
  "GET /.well-known/restante": [
    {
      when: "nothing is cached",
      ask: ({ relay }) => relay.fetch("/.well-known/restante"),
      then: "200",
    },
    {
      when: "the tag is the cached one",
      async ask({ relay }) {
        const { headers } = await relay.fetch("/.well-known/restante");
        return await relay.fetch("/.well-known/restante", {
          headers: { "If-None-Match": headers.get("ETag") ?? "" },
        });
      },
      then: "304",
    },
  ],
  "GET /health": [
    {
      when: "all is well",
      ask: ({ relay }) => relay.fetch("/health"),
      then: "200",
    },
    {
      when: "the store fails",
      ask: ({ broken }) => broken.fetch("/health"),
      then: "503 busy",
    },
  ],
  "GET /health/ready": [
    {
      when: "the store took something",
      ask: ({ relay }) => relay.fetch("/health/ready"),
      then: "200",
    },
    {
      when: "the store never took anything",
      ask: ({ broken }) => broken.fetch("/health/ready"),
      then: "503 busy",
    },
  ],
  "GET /metrics": [
    {
      when: "the machine itself asks",
      ask: ({ relay }) =>
        relay.fetchFrom("127.0.0.1", "http://127.0.0.1:8000/metrics"),
      then: "200",
    },
    {
      when: "another machine asks",
      ask: ({ relay }) => relay.fetchFrom("192.0.2.1", `${ORIGIN}/metrics`),
      then: "404 not-found",
    },
    {
      when: "a token is needed, and there is none",
      async ask() {
        using relay = await TestRelay.open({
          metricsTo: { token: "a secret of the operator" },
        });
        return await relay.fetch("/metrics");
      },
      then: "401 unauthorized",
    },
  ],
  "POST /v1/messages": [
    {
      when: "the message is new",
      ask: ({ relay, owner }) => postEnvelope(relay, owner.envelope()),
      then: "201",
    },
    {
      when: "the message was stored before",
      async ask({ relay, owner }) {
        const envelope = owner.envelope();
        await owner.receive(envelope);
        return await postEnvelope(relay, envelope);
      },
      then: "200",
    },
    {
      when: "the mailbox is full",
      ask: () => postToFull({ mailbox: NO_ROOM }),
      then: "507 mailbox-full",
    },
    {
      when: "the relay is full",
      ask: () => postToFull({ relay: NO_ROOM }),
      then: "507 relay-full",
    },
    {
      when: "the body is no envelope",
      ask: ({ relay }) => postEnvelope(relay, randomBytes(100)),
      then: "400 malformed",
    },
    {
      when: "nobody opened the mailbox",
      ask: (world) =>
        postEnvelope(
          world.relay,
          unusual(world, { package: makePackage(freshKey(), 900) }),
        ),
      then: "404 mailbox-unknown",
    },
    {
      when: "the body is over the limit",
      ask: ({ relay }) => postEnvelope(relay, TOO_LARGE),
      then: "413 too-large",
    },
    {
      when: "the body says it is text",
      ask: ({ relay, owner }) =>
        relay.fetch("/v1/messages", {
          method: "POST",
          headers: { "Content-Type": "text/plain" },
          body: owner.envelope(),
        }),
      then: "415 unsupported-media-type",
    },
    {
      when: "the work is for another package",
      ask: (world) =>
        postEnvelope(
          world.relay,
          unusual(world, { header: { customHash: randomBytes(32) } }),
        ),
      then: "422 wrong-hash",
    },
    {
      when: "there is no work",
      ask: (world) =>
        postEnvelope(
          world.relay,
          unusual(world, { accepts: (id) => id[0] !== 0 }),
        ),
      then: "428 work-insufficient",
    },
    {
      when: "the work is old",
      ask: (world) =>
        postEnvelope(
          world.relay,
          unusual(world, { time: world.relay.clock.time - 2 * DAY }),
        ),
      then: "428 work-stale",
    },
    {
      when: "the store fails",
      ask: ({ broken, owner }) => postEnvelope(broken, owner.envelope()),
      then: "503 busy",
    },
  ],
  "POST /v1/quotes": [
    {
      when: "the question is a good one",
      ask: ({ relay, owner: { mailbox } }) =>
        postJson(relay, "/v1/quotes", {
          bytes: 1_500,
          seconds: 86_400,
          mailbox,
        }),
      then: "200",
    },
    {
      when: "a member is missing",
      ask: ({ relay }) => postJson(relay, "/v1/quotes", { bytes: 1_500 }),
      then: "400 malformed",
    },
    {
      when: "nobody opened the mailbox",
      ask: ({ relay }) =>
        postJson(relay, "/v1/quotes", {
          bytes: 1,
          seconds: 3_600,
          mailbox: UNKNOWN_ID,
        }),
      then: "404 mailbox-unknown",
    },
    {
      when: "no envelope is that large",
      ask: ({ relay }) =>
        postJson(relay, "/v1/quotes", { bytes: 1e6, seconds: 3_600 }),
      then: "413 too-large",
    },
    {
      when: "the body says it is text",
      ask: ({ relay }) => postJson(relay, "/v1/quotes", {}, {}),
      then: "415 unsupported-media-type",
    },
    {
      when: "the store fails",
      ask: ({ broken, owner: { mailbox } }) =>
        postJson(broken, "/v1/quotes", { bytes: 1, seconds: 3_600, mailbox }),
      then: "503 busy",
    },
  ],
};
