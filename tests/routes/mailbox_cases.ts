/** What an owner does with a mailbox. */
import {
  askBroken,
  brokenStart,
  type Cases,
  JSON_TYPE,
  postJson,
  UNKNOWN_ID,
  withScopes,
  type World,
} from "./contract_world.ts";

/** What is asked, and what is answered. */
export const MAILBOX_CASES: Cases = {
  "GET /v1/mailboxes/{mailbox}": [
    {
      when: "the mailbox is here",
      ask: ({ relay, owner: { mailbox } }) =>
        relay.fetch(`/v1/mailboxes/${mailbox}`),
      then: "200",
    },
    {
      when: "the id is none",
      ask: ({ relay }) => relay.fetch("/v1/mailboxes/0"),
      then: "400 malformed",
    },
    {
      when: "nobody opened the mailbox",
      ask: ({ relay }) => relay.fetch(`/v1/mailboxes/${UNKNOWN_ID}`),
      then: "404 mailbox-unknown",
    },
    {
      when: "the store fails",
      ask: ({ broken, owner: { mailbox } }) =>
        broken.fetch(`/v1/mailboxes/${mailbox}`),
      then: "503 busy",
    },
  ],
  "GET /v1/mailboxes/{mailbox}/messages": [
    {
      when: "there is mail, also without a body",
      async ask({ owner }) {
        await owner.receive(owner.envelope(), "?minBandwidth=1000");
        return await owner.fetch(
          `/v1/mailboxes/${owner.mailbox}/messages?bandwidth=999`,
        );
      },
      then: "200",
    },
    {
      when: "the cursor is none",
      ask: ({ owner }) =>
        owner.fetch(`/v1/mailboxes/${owner.mailbox}/messages?after=0`),
      then: "400 malformed",
    },
    {
      when: "there is no token",
      ask: ({ relay, owner: { mailbox } }) =>
        relay.fetch(`/v1/mailboxes/${mailbox}/messages`),
      then: "401 unauthorized",
    },
    {
      when: "the token is for another mailbox",
      ask: ({ owner }) => owner.fetch(`/v1/mailboxes/${UNKNOWN_ID}/messages`),
      then: "403 forbidden",
    },
    {
      when: "the store fails",
      ask: (world) =>
        askBroken(world, `/v1/mailboxes/${world.owner.mailbox}/messages`),
      then: "503 busy",
    },
  ],
  "POST /v1/mailboxes/{mailbox}/ack": [
    {
      when: "the cursor is the newest",
      async ask({ owner }) {
        const { cursor } = await owner.receive();
        return await owner.acknowledge(cursor);
      },
      then: "200",
    },
    {
      when: "the cursor is none",
      ask: ({ owner }) => owner.acknowledge("0"),
      then: "400 malformed",
    },
    {
      when: "there is no token",
      ask: ({ relay, owner: { mailbox } }) =>
        postJson(relay, `/v1/mailboxes/${mailbox}/ack`, { through: "0" }),
      then: "401 unauthorized",
    },
    {
      when: "the token lacks the scope",
      async ask(world) {
        const reader = await withScopes(world, "read");
        return await reader.acknowledge("0");
      },
      then: "403 forbidden",
    },
    {
      when: "the body is over the limit",
      ask: ({ owner }) => owner.acknowledge("0".repeat(17_000)),
      then: "413 too-large",
    },
    {
      when: "the body says it is text",
      ask: ({ owner }) =>
        owner.fetch(`/v1/mailboxes/${owner.mailbox}/ack`, {
          method: "POST",
          body: "{}",
        }),
      then: "415 unsupported-media-type",
    },
    {
      when: "the store fails",
      ask(world) {
        const through = brokenStart(world);
        return askBroken(
          world,
          `/v1/mailboxes/${world.owner.mailbox}/ack`,
          {
            method: "POST",
            headers: JSON_TYPE,
            body: JSON.stringify({ through }),
          },
        );
      },
      then: "503 busy",
    },
  ],
  "DELETE /v1/mailboxes/{mailbox}/messages/{cursor}": [
    {
      when: "the message is there",
      async ask({ owner }) {
        const { cursor } = await owner.receive();
        return await owner.delete(cursor);
      },
      then: "204",
    },
    {
      when: "the cursor is none",
      ask: ({ owner }) => owner.delete("0"),
      then: "400 malformed",
    },
    {
      when: "there is no token",
      ask: ({ relay, owner: { mailbox } }) =>
        relay.fetch(`/v1/mailboxes/${mailbox}/messages/0`, {
          method: "DELETE",
        }),
      then: "401 unauthorized",
    },
    {
      when: "the token lacks the scope",
      async ask(world) {
        const reader = await withScopes(world, "read");
        return await reader.delete("0");
      },
      then: "403 forbidden",
    },
    {
      when: "the store fails",
      ask(world) {
        const cursor = brokenStart(world);
        return askBroken(
          world,
          `/v1/mailboxes/${world.owner.mailbox}/messages/${cursor}`,
          { method: "DELETE" },
        );
      },
      then: "503 busy",
    },
  ],
  "GET /v1/objects/{object}": [
    { when: "it is there", ask: (world) => askObject(world), then: "200" },
    {
      when: "a part is asked for",
      ask: (world) => askObject(world, { Range: "bytes=0-0" }),
      then: "206",
    },
    {
      when: "the tag is the cached one",
      async ask(world) {
        const { object } = await world.owner.receive();
        return await world.owner.fetch(`/v1/objects/${object}`, {
          headers: { "If-None-Match": `"${object}"` },
        });
      },
      then: "304",
    },
    {
      when: "the hash is none",
      ask: ({ owner }) => owner.fetch("/v1/objects/0"),
      then: "400 malformed",
    },
    {
      when: "there is no token",
      ask: ({ relay }) => relay.fetch(`/v1/objects/${UNKNOWN_ID}`),
      then: "401 unauthorized",
    },
    {
      when: "the token lacks the scope",
      async ask(world) {
        const acker = await withScopes(world, "ack");
        return await acker.fetch(`/v1/objects/${UNKNOWN_ID}`);
      },
      then: "403 forbidden",
    },
    {
      when: "there is no such object",
      ask: ({ owner }) => owner.fetch(`/v1/objects/${UNKNOWN_ID}`),
      then: "404 object-unknown",
    },
    {
      when: "the part is behind the end",
      ask: (world) => askObject(world, { Range: "bytes=1500-" }),
      then: "416 range-not-satisfiable",
    },
    {
      when: "the store fails",
      ask: (world) => askBroken(world, `/v1/objects/${UNKNOWN_ID}`),
      then: "503 busy",
    },
  ],
};

async function askObject(
  { owner }: World,
  headers: HeadersInit = {},
): Promise<Response> {
  const { object } = await owner.receive();
  return await owner.fetch(`/v1/objects/${object}`, { headers });
}
