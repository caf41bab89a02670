/** What is used of what strangers may use, as the metrics show it. */
import type { Caps } from "../relay/caps.ts";
import type { Sources } from "../relay/observe.ts";
import type { EdgeUse } from "./app.ts";
import type { ConnectionTable } from "./connections.ts";

/** The sources of a worker's HTTP side. */
export function edgeSources(
  { streams, backlog, uploads, unpaid, connections }: EdgeUse & {
    readonly connections: ConnectionTable;
  },
  caps: Caps,
): Sources {
  return {
    streams: () => Object.entries(streams.counts),
    bufferedBytes: () => backlog.bytes,
    abandonedBytes: () => backlog.abandoned,
    bodies: () => uploads.size,
    bodyBytes: () => uploads.bytes,
    connections: () => connections.size,
    rateLimited: () => [
      ["address", unpaid.addresses.refused],
      ["token", unpaid.tokens.refused],
    ],
    caps: () => CAPS.map((name) => [name, caps[name]]),
    capRefusals: () => [
      ["connections", connections.refused],
      ["connectionRequests", connections.crowded],
      ["idleSeconds", connections.dropped],
      ["tokenStreams", streams.refused.token],
      ["mailboxStreams", streams.refused.mailbox],
      ["streams", streams.refused.relay],
      ["bufferedBytes", backlog.refused],
      ["drainSeconds", streams.dropped + backlog.dropped],
      ["uploadBytes", uploads.refused],
      ["uploadRate", uploads.dropped],
    ],
  };
}

/** Every cap, and nothing else that stands beside them in a configuration. */
const CAPS = [
  "connections",
  "connectionRequests",
  "idleSeconds",
  "streams",
  "mailboxStreams",
  "tokenStreams",
  "streamBytes",
  "bufferedBytes",
  "drainSeconds",
  "frameBytes",
  "uploadBytes",
  "uploadSeconds",
  "uploadRate",
  "queueBytes",
  "addressRate",
  "tokenRate",
] as const satisfies readonly (keyof Caps)[];
