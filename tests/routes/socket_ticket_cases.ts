/** Tickets for WebSockets. */
import { askBroken, type Cases, withScopes } from "./contract_world.ts";

const POST = { method: "POST" };

function pathOf(mailbox: string): string {
  return `/v1/mailboxes/${mailbox}/socket-tickets`;
}

/** What is asked, and what is answered. */
export const SOCKET_TICKET_CASES: Cases = {
  "POST /v1/mailboxes/{mailbox}/socket-tickets": [
    {
      when: "the token allows reading",
      ask: ({ owner }) => owner.fetch(pathOf(owner.mailbox), POST),
      then: "201",
    },
    {
      when: "the mailbox is none",
      ask: ({ owner }) => owner.fetch(pathOf("0"), POST),
      then: "400 malformed",
    },
    {
      when: "there is no token",
      ask: ({ relay, owner: { mailbox } }) =>
        relay.fetch(pathOf(mailbox), POST),
      then: "401 unauthorized",
    },
    {
      when: "the token does not allow reading",
      ask: async (world) =>
        (await withScopes(world, "ack")).fetch(
          pathOf(world.owner.mailbox),
          POST,
        ),
      then: "403 forbidden",
    },
    {
      when: "the store fails",
      ask: (world) => askBroken(world, pathOf(world.owner.mailbox), POST),
      then: "503 busy",
    },
  ],
};
