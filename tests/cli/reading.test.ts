/** `read`: how far a mailbox was read, by whom, and what is said meanwhile. */
import assert from "node:assert/strict";
import {
  readerOf,
  ReadPart,
  requireOneReader,
} from "../../cli/acknowledging.ts";
import { UsageError } from "../../cli/output.ts";
import { eventText } from "../../cli/read.ts";
import type { ReceivedMessage, WatchEvent } from "../../client/mod.ts";

Deno.test("ReadPart ends before what was withheld, and at nothing else", () => {
  const table: [
    failures: ReceivedMessage["failure"][],
    through: string | null,
  ][] = [
    [[], "next"],
    [[null, null], "next"],
    [["expired", "damaged", "not-decryptable"], "next"],
    [["withheld"], null],
    [[null, "withheld"], "0"],
    [[null, null, "withheld", null], "1"],
    [[null, "withheld", null, "withheld", null], "0"],
  ];
  for (const [failures, through] of table) {
    const part = new ReadPart();
    for (const [i, failure] of failures.entries()) {
      part.add({ cursor: String(i), failure } as ReceivedMessage);
    }
    assert.equal(part.through("next"), through, failures.join());
    assert.equal(part.isWhole, !failures.includes("withheld"));
  }
  assert.equal(new ReadPart().through(null), null);
});

Deno.test("one device reads and acknowledges", () => {
  assert.equal(readerOf({}), undefined);
  assert.equal(readerOf({ ack: true }), undefined);
  assert.equal(readerOf({ ack: "phone" }), "phone");
  assert.equal(readerOf({ reader: "phone" }), "phone");
  assert.equal(readerOf({ reader: "phone", ack: true }), "phone");
  requireOneReader({});
  requireOneReader({ reader: "phone" });
  requireOneReader({ ack: "phone" });
  requireOneReader({ reader: "phone", ack: true });
  requireOneReader({ reader: "phone", ack: "phone" });
  assert.throws(
    () => requireOneReader({ reader: "phone", ack: "laptop" }),
    UsageError,
  );
});

Deno.test("eventText() says what becomes of the connection", () => {
  const waiting = (milliseconds: number): WatchEvent => ({
    kind: "waiting",
    milliseconds,
    cause: null,
  });
  const table: [event: WatchEvent, text: string | null][] = [
    [{ kind: "connected", transport: "socket" }, "connected"],
    [waiting(5_000), "the relay is gone; again in 5 s"],
    [waiting(200), "the relay is gone; again in 1 s"],
    [{ kind: "reset" }, "the relay was restored: from the oldest held"],
    [{ kind: "blocked", transport: "socket" }, null],
  ];
  for (const [event, text] of table) assert.equal(eventText(event), text);
});
