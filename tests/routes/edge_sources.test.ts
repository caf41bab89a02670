/** What the metrics show of a worker's HTTP side: each number its own. */
import assert from "node:assert/strict";
import { type Caps, DEFAULT_CAPS } from "../../relay/caps.ts";
import type { EdgeUse } from "../../routes/app.ts";
import type { ConnectionTable } from "../../routes/connections.ts";
import { edgeSources } from "../../routes/edge_sources.ts";

/** What is used, each number another. */
const USE = {
  streams: {
    counts: { events: 1, socket: 2, poll: 3 },
    refused: { token: 4, mailbox: 5, relay: 6 },
    dropped: 10,
  },
  backlog: { bytes: 7, refused: 8, dropped: 20 },
  uploads: { size: 9, bytes: 11, refused: 12, dropped: 13 },
  unpaid: { addresses: { refused: 14 }, tokens: { refused: 15 } },
  connections: { size: 16, refused: 17, crowded: 18, dropped: 19 },
};

Deno.test("edgeSources() shows every number in its own place, and every cap", () => {
  const caps = Object.fromEntries(
    Object.keys(DEFAULT_CAPS).map((name, i) => [name, 100 + i]),
  ) as unknown as Caps;
  const use = USE as unknown as EdgeUse & {
    readonly connections: ConnectionTable;
  };
  const shown = Object.fromEntries(
    Object.entries(edgeSources(use, caps)).map((
      [name, read],
    ) => [name, read()]),
  );
  const byName = (readings: unknown) =>
    Object.fromEntries(readings as [string, number][]);
  assert.deepEqual(byName(shown["caps"]), caps);
  assert.deepEqual(byName(shown["capRefusals"]), {
    connections: 17,
    connectionRequests: 18,
    idleSeconds: 19,
    tokenStreams: 4,
    mailboxStreams: 5,
    streams: 6,
    bufferedBytes: 8,
    drainSeconds: 30,
    uploadBytes: 12,
    uploadRate: 13,
  });
  assert.deepEqual(byName(shown["streams"]), { events: 1, socket: 2, poll: 3 });
  assert.deepEqual(byName(shown["rateLimited"]), { address: 14, token: 15 });
  const { bufferedBytes, bodies, bodyBytes, connections } = shown;
  assert.deepEqual({ bufferedBytes, bodies, bodyBytes, connections }, {
    bufferedBytes: 7,
    bodies: 9,
    bodyBytes: 11,
    connections: 16,
  });
});
