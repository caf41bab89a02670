/** The relay's log on standard error, whatever becomes of that. */
import assert from "node:assert/strict";
import { formatFor, openRelayLog } from "../../relay/log.ts";

/** What is written while standard error takes it so. */
function written(
  take: (bytes: Uint8Array) => number,
  write: (log: ReturnType<typeof openRelayLog>) => void,
): void {
  const { writeSync } = Deno.stderr;
  Deno.stderr.writeSync = take;
  try {
    write(openRelayLog({ format: "json", level: "info", now: () => 0 }));
  } finally {
    Deno.stderr.writeSync = writeSync;
  }
}

Deno.test("openRelayLog() writes whole lines, however little of one is taken at once", () => {
  const bytes: number[] = [];
  written(
    (some) => {
      bytes.push(...some.slice(0, 7));
      return Math.min(some.length, 7);
    },
    (log) => {
      log.debug("too-little");
      log.info("first", { mailbox: "ä".repeat(40) });
      log.warn("second");
    },
  );
  const lines = new TextDecoder().decode(new Uint8Array(bytes)).split("\n");
  assert.equal(lines.pop(), "", "each line has its end");
  const events = lines.map((line) => JSON.parse(line).event);
  assert.deepEqual(events, ["first", "second"]);
});

Deno.test("openRelayLog() goes on where nobody reads any more", () => {
  let tries = 0;
  written(
    () => {
      tries += 1;
      throw new Deno.errors.BrokenPipe("nobody reads");
    },
    (log) => {
      log.error("first");
      log.error("second");
    },
  );
  assert.equal(tries, 2);
});

Deno.test("formatFor() is text for people alone", () => {
  assert.deepEqual([true, false].map(formatFor), ["text", "json"]);
});
