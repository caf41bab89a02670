/** What every route is given: the relay it answers for. */
import { contactAddressText, contactHost } from "../lib/minima/address.ts";
import type { WorkWindow } from "../lib/work/check.ts";
import type { WorkPrice } from "../lib/work/price.ts";
import type { Tariff } from "../lib/money.ts";
import type { Quotas } from "../lib/quota.ts";
import type { Log } from "../lib/log.ts";
import type { EnvelopeLimits } from "../lib/minima/maxtxpow.ts";
import type { Unwrapper } from "../lib/seal/maxima.ts";
import type { RelayKeys } from "../kv/relay_keys.ts";
import type { Doorbells } from "../kv/bells/doorbells.ts";
import type { Store } from "../kv/store/store.ts";
import type { Clock } from "../lib/timers.ts";
import type { Caps } from "./caps.ts";
import type { Meters } from "./meters.ts";
import type { MetricsReaders } from "./metrics_readers.ts";
import type { Revocations } from "./revocations.ts";

/** How far from the relay's clock the time of work may lie. */
export interface RelayWindow extends WorkWindow {
  /**
   * Milliseconds behind its work's time for which a mark is kept: the widest
   * window that this store ever had; that of now, if not said.
   */
  readonly markedFor?: number;
}

/** A relay: its store, its keys, its rules and its clock. */
export interface Relay {
  readonly store: Store;
  readonly keys: RelayKeys;
  /** The origin that clients use, such as `https://relay.example`. */
  readonly url: string;
  /** Every origin that is the relay's own, that one first. */
  readonly origins: readonly string[];
  /** Does what the private Maxima key is needed for. */
  readonly unwrapper: Unwrapper;
  /** Answers to challenges, a second, beyond which they cost more work. */
  readonly handshakeRate: number;
  readonly window: RelayWindow;
  readonly limits: EnvelopeLimits;
  readonly price: WorkPrice;
  readonly tariff: Tariff;
  readonly quotas: Quotas;
  /** What strangers may use of it. */
  readonly caps: Caps;
  /** Milliseconds between two digests of a stream. */
  readonly digestRound: number;
  /** Wakes those who wait for mail. */
  readonly doorbells: Doorbells;
  /** Time, timers and sleep. */
  readonly clock: Clock;
  /** The clock's Unix milliseconds. */
  readonly now: () => number;
  /** Told of what an operator may want to know. */
  readonly log: Log;
  /** What is counted. */
  readonly meters: Meters;
  /** Who may read the metrics. */
  readonly metricsTo: MetricsReaders;
  /** Which tokens are refused by the operator's word. */
  readonly revocations: Revocations;
}

/** The relay's own contact address. */
export function contactAddress({ keys, url }: Relay): string {
  const { publicKey } = keys.maxima;
  return contactAddressText({ publicKey, ...contactHost(url) });
}
