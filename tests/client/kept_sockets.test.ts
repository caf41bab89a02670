/** Sockets of a relay that runs as it does in earnest: they stay open. */
import assert from "node:assert/strict";
import {
  makeIdentity,
  Relay,
  send,
  Session,
  watch,
  type WatchEvent,
} from "../../client/mod.ts";
import { RelayProcess } from "../relay_process.ts";

/** Of the sockets that were cut off before, about half were. */
const SOCKETS = 40;

Deno.test("watch() by socket needs one socket, which no end of HTTP takes with it", async () => {
  await using process = await RelayProcess.start();
  const relay = new Relay(process.url);
  const me = await makeIdentity(1_024);
  const session = new Session(relay, me);
  await session.open();
  const write = (data: Uint8Array<ArrayBuffer>) =>
    send({
      relay,
      from: me,
      to: me.key.publicKey,
      application: "test",
      data,
      hold: 3_600,
    });
  await write(new Uint8Array([0]));
  const events: WatchEvent[] = [];
  const stop = new AbortController();
  const onEvent = (event: WatchEvent) => {
    events.push(event);
    // A watch would try for as long as it takes.
    if (event.kind !== "connected") stop.abort(new Error("it was cut off"));
  };
  const watches = Array.from(
    { length: SOCKETS },
    () =>
      watch(session, {
        transports: ["socket"],
        signal: stop.signal,
        onEvent,
      }),
  );
  const next = async (data: number) => {
    for (const messages of watches) {
      const { value, done } = await messages.next();
      assert.ok(!done);
      assert.deepEqual(value.letter?.data, new Uint8Array([data]));
    }
  };
  await next(0);
  await write(new Uint8Array([1]));
  await next(1);
  for (const messages of watches) await messages.return(undefined);
  const connected: WatchEvent = { kind: "connected", transport: "socket" };
  assert.deepEqual(events, Array(SOCKETS).fill(connected));
  await process.assertAlive();
});
