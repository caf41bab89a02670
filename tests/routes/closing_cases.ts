/** Closing a mailbox. */
import { type Cases, withScopes, type World } from "./contract_world.ts";
import { freshKey, Owner } from "./owner.ts";

const DELETE = { method: "DELETE" };

/** Somebody with a mailbox that nobody else needs. */
function newcomer({ relay }: World): Promise<Owner> {
  return Owner.open(relay, freshKey(), ["settings"]);
}

/** What is asked, and what is answered. */
export const CLOSING_CASES: Cases = {
  "DELETE /v1/mailboxes/{mailbox}": [
    {
      when: "it is the owner's",
      async ask(world) {
        const owner = await newcomer(world);
        return await owner.fetch(`/v1/mailboxes/${owner.mailbox}`, DELETE);
      },
      then: "204",
    },
    {
      when: "the id is none",
      ask: async (world) =>
        (await newcomer(world)).fetch("/v1/mailboxes/0", DELETE),
      then: "400 malformed",
    },
    {
      when: "there is no token",
      ask: ({ relay, owner: { mailbox } }) =>
        relay.fetch(`/v1/mailboxes/${mailbox}`, DELETE),
      then: "401 unauthorized",
    },
    {
      when: "the token lacks the scope",
      ask: async (world) =>
        (await withScopes(world, "read", "ack"))
          .fetch(`/v1/mailboxes/${world.owner.mailbox}`, DELETE),
      then: "403 forbidden",
    },
    {
      when: "it was closed before",
      async ask(world) {
        const owner = await newcomer(world);
        const path = `/v1/mailboxes/${owner.mailbox}`;
        await (await owner.fetch(path, DELETE)).body?.cancel();
        return await owner.fetch(path, DELETE);
      },
      then: "404 mailbox-unknown",
    },
    {
      when: "the store fails",
      async ask(world) {
        const owner = await newcomer(world);
        const path = `/v1/mailboxes/${owner.mailbox}`;
        const headers = { Authorization: `Bearer ${await owner.token()}` };
        return await world.broken.fetch(path, { ...DELETE, headers });
      },
      then: "503 busy",
    },
  ],
};
