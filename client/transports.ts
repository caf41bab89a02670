/** The ways to follow a mailbox, each as a stream of what arrives. */
import { events } from "./events.ts";
import type { Arrival, FollowOptions } from "./follow.ts";
import { poll } from "./poll.ts";
import { socket } from "./socket.ts";

/** A way to follow a mailbox: by WebSocket, server-sent events or long polls. */
export type Transport = "socket" | "events" | "poll";

/** The ways there are. */
export const TRANSPORTS: Readonly<
  Record<Transport, (options: FollowOptions) => AsyncGenerator<Arrival>>
> = { socket, events, poll };
