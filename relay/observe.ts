/**
 * What is read of a relay when its metrics are asked for, and what its store
 * tells of its work. One more number is one more line.
 */
import type { BellStats } from "../kv/bells/doorbells.ts";
import type { OnSweep } from "../kv/mail/sweep.ts";
import type { Usage } from "../kv/mail/usage.ts";
import type { QueueStats } from "../kv/store/commit_queue.ts";
import type { Store } from "../kv/store/store.ts";
import type { Log } from "../lib/log.ts";
import type { Metrics, ReadGauge } from "../lib/metrics.ts";
import { fillOf, type Quota } from "../lib/quota.ts";
import { doublings, EMPTY_FILL, type Fill } from "../lib/work/price.ts";
import type { Meters } from "./meters.ts";

/** What tells of itself; what is not given is not shown. */
export interface Sources {
  /** The store's queue. */
  readonly queue?: () => QueueStats;
  /** The listening to doorbells. */
  readonly bells?: () => BellStats;
  /** What is kept, and may be. */
  readonly room?: {
    readonly usage: () => Promise<Usage>;
    readonly quota: Quota;
  };
  /** Readers that stay, by `transport`: `events`, `socket`, `poll`. */
  readonly streams?: () => Iterable<readonly [transport: string, number]>;
  /** Bytes that wait to be sent to readers. */
  readonly bufferedBytes?: () => number;
  /** Bytes of sockets that were told to go and have not gone. */
  readonly abandonedBytes?: () => number;
  /** Request bodies that are being read. */
  readonly bodies?: () => number;
  /** Bytes of them that are held. */
  readonly bodyBytes?: () => number;
  /** Connections that are open. */
  readonly connections?: () => number;
  /** Refusals for asking too often, by the `limit` that was reached. */
  readonly rateLimited?: () => Iterable<readonly [limit: string, number]>;
  /** What strangers may use, by the name of the `cap`. */
  readonly caps?: () => Iterable<readonly [cap: string, number]>;
  /** What was refused or dropped for a `cap`. */
  readonly capRefusals?: () => Iterable<readonly [cap: string, number]>;
  /** Seconds since the last sweep ended, or since the start. */
  readonly sweepAge?: () => number;
  /** Seconds for which the oldest thing has been due; 0 if nothing is. */
  readonly oldestDue?: () => Promise<number>;
}

/** Adds what the sources tell. */
export function observe(metrics: Metrics, sources: Sources): void {
  const { queue, bells, room, streams } = sources;
  const { rateLimited, caps, capRefusals } = sources;
  const fill = async () =>
    room ? fillOf(await room.usage(), room.quota) : EMPTY_FILL;
  const add = (name: string, help: string, read: ReadGauge | undefined) => {
    if (read !== undefined) metrics.gauge(name, help, read);
  };
  // deno-fmt-ignore
  {
    add("restante_queue_parts", "Parts that wait to be committed.", queue && (() => queue().waiting));
    add("restante_queue_bytes", "Bytes that wait to be committed, at most.", queue && (() => queue().waitingBytes));
    add("restante_queue_commits", "Commits under way.", queue && (() => queue().underWay));
    add("restante_queue_window", "Commits that may be under way, by how long they take.", queue && (() => queue().window));
    add("restante_queue_refused_total", "Parts refused because too much waits.", queue && (() => queue().refused));
    add("restante_watch_renewals_total", "Watches of the doorbells begun anew.", bells && (() => renewals(bells())));
    add("restante_failed_looks_total", "Looks at the doorbells that the store did not answer.", bells && (() => bells().failedLooks));
    add("restante_subscriptions", "Readers that wait for doorbells.", bells && (() => bells().readers));
    add("restante_kept_bytes", "Bytes that are kept for all mailboxes.", room && (async () => (await room.usage()).bytes));
    add("restante_kept_messages", "Messages that are held for all mailboxes.", room && (async () => (await room.usage()).messages));
    add("restante_quota_bytes", "Bytes that may be kept.", room && (() => room.quota.bytes));
    add("restante_quota_messages", "Messages that may be held.", room && (() => room.quota.messages));
    add("restante_fill_ratio", "How full the relay is, of its quota.", room && (async () => ratio(await fill())));
    add("restante_price_factor", "By how much the relay's fill raises its price.", room && (async () => 2 ** doublings(await fill())));
    add("restante_streams", "Readers that stay.", streams && (() => labelled("transport", streams())));
    add("restante_buffered_bytes", "Bytes that wait to be sent to readers.", sources.bufferedBytes);
    add("restante_abandoned_bytes", "Bytes of sockets that were told to go and have not gone.", sources.abandonedBytes);
    add("restante_bodies", "Request bodies that are being read.", sources.bodies);
    add("restante_body_bytes", "Bytes of request bodies that are held.", sources.bodyBytes);
    add("restante_connections", "Connections that are open.", sources.connections);
    add("restante_rate_limited_total", "Requests refused for asking too often.", rateLimited && (() => labelled("limit", rateLimited())));
    add("restante_cap", "What strangers may use.", caps && (() => labelled("cap", caps())));
    add("restante_cap_refusals_total", "What was refused or dropped for a cap.", capRefusals && (() => labelled("cap", capRefusals())));
    add("restante_sweep_age_seconds", "Seconds since a sweep ended, or since the start.", sources.sweepAge);
    add("restante_sweep_backlog_seconds", "For how long the oldest thing has been due.", sources.oldestDue);
  }
}

/** The first watch is no renewal; the others were old, or had failed. */
function renewals({ watches, failures }: BellStats) {
  return labelled("reason", [
    ["age", Math.max(watches - 1 - failures, 0)],
    ["failure", failures],
  ]);
}

function ratio({ used, quota }: Fill): number {
  return used / quota;
}

function labelled(
  name: string,
  counts: Iterable<readonly [string, number]>,
): [Record<string, string>, number][] {
  return Array.from(counts, ([value, count]) => [{ [name]: value }, count]);
}

/** What is known of sweeps. */
export class SweepState {
  readonly #now: () => number;
  #endedAt: number;

  /** `now` gives Unix milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#endedAt = now();
  }

  /** Seconds since the last one ended, or since the start. */
  readonly age = (): number => (this.#now() - this.#endedAt) / 1_000;

  /** One ended. */
  note(): void {
    this.#endedAt = this.#now();
  }
}

/** Has a store tell how long it takes, and how much it takes at once. */
export function watchStore(store: Store, meters: Meters): void {
  store.onAnswer = (operation, took) =>
    meters.answered(operation, took / 1_000);
  store.commits.onBatch = (parts) => meters.batched(parts);
}

/** Counts sweeps, and logs those that did something or failed. */
export function logSweeps(
  { meters, log, sweeps }: {
    readonly meters: Meters;
    readonly log: Log;
    readonly sweeps: SweepState;
  },
): OnSweep {
  return (result) => {
    if ("error" in result) {
      meters.sweepFailed();
      log.warn("sweep-failed", { error: result.error });
      return;
    }
    meters.swept(result.rows);
    sweeps.note();
    if (result.rows > 0) log.info("sweep", { ...result });
    else log.debug("sweep", { ...result });
  };
}
