/** Sockets that wait for mail keep nothing of what they were sent. */
import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beginStay } from "../../relay/stay.ts";
import { serveSocket } from "../../routes/socket.ts";
import { fill } from "../routes/filled_mailbox.ts";
import { Owner } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";

const SOCKETS = 100;
/** Bytes of the message that each is sent. */
const SIZE = 60_000;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** A socket that takes everything at once. */
class TakingSocket extends EventTarget {
  readonly readyState: number = WebSocket.OPEN;
  readonly bufferedAmount = 0;
  readonly sent = Promise.withResolvers<void>();

  send(): void {
    this.sent.resolve();
  }

  close(): void {
    this.dispatchEvent(new Event("close"));
  }
}

async function held(): Promise<number> {
  for (let turns = 0; turns < 10; turns++) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  collectGarbage();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

Deno.test("a socket that waits for mail keeps nothing of the page before", async () => {
  const caps = { tokenStreams: SOCKETS, mailboxStreams: SOCKETS };
  using relay = await TestRelay.open({ caps });
  const owner = await Owner.open(relay);
  await fill(owner, 1, 3_600, SIZE);
  const { mailbox } = owner;
  const { streams } = relay.app.use;
  const ends: Promise<void>[] = [];
  const serve = async () => {
    const expires = relay.clock.time + 1e9;
    const scopes = ["read"] as const;
    const grant = { mailbox, scopes, jkt: null, expires, id: "t" };
    const stay = await beginStay(relay.relay, streams, grant, "socket", {
      mailbox,
      after: null,
      bandwidth: Infinity,
      delivery: "full",
      reader: null,
    });
    const socket = new TakingSocket();
    const served = serveSocket(socket as unknown as WebSocket, stay);
    await socket.sent.promise;
    ends.push(served);
  };
  await serve(); // whatever is made once is made now
  const before = await held();
  for (let n = 1; n < SOCKETS; n++) await serve();
  const each = (await held() - before) / SOCKETS;
  assert.ok(each < SIZE / 2, `${each} bytes each`);
  streams.close();
  await Promise.all(ends);
});
