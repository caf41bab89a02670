/** A relay on a real store, asked in this process. */
import type { RelayKeys } from "../../kv/relay_keys.ts";
import { type DoorbellOptions, Doorbells } from "../../kv/bells/doorbells.ts";
import { ledgerOf } from "../../kv/mail/ledger.ts";
import type { Database, Entry } from "../../kv/store/database.ts";
import type { QueueLimits } from "../../kv/store/commit_queue.ts";
import { IN_MEMORY } from "../../kv/store/location.ts";
import { openStore, type Store } from "../../kv/store/store.ts";
import { DIGEST_ROUND } from "../../lib/link.ts";
import { type Log, silentLog } from "../../lib/log.ts";
import type { Fields } from "../../lib/log_form.ts";
import { NETWORK_LIMITS } from "../../lib/minima/maxtxpow.ts";
import { DEFAULT_QUOTAS, type Quotas } from "../../lib/quota.ts";
import { DEFAULT_TARIFF } from "../../lib/money.ts";
import type { Unwrapper } from "../../lib/seal/maxima.ts";
import { DEFAULT_HANDSHAKE_RATE } from "../../relay/handshake_price.ts";
import { DEFAULT_WINDOW, type WorkWindow } from "../../lib/work/check.ts";
import { DEFAULT_WORK_PRICE } from "../../lib/work/price.ts";
import { createApp, type RelayApp } from "../../routes/app.ts";
import { type Caps, DEFAULT_CAPS } from "../../relay/caps.ts";
import type { TrustedProxies } from "../../relay/proxies.ts";
import type { ServeInfo } from "../../routes/serve_info.ts";
import { Meters } from "../../relay/meters.ts";
import type { MetricsReaders } from "../../relay/metrics_readers.ts";
import type { Relay } from "../../relay/relay.ts";
import { Revocations } from "../../relay/revocations.ts";
import { Clock } from "./clock.ts";
import { sharedKeys } from "./shared_keys.ts";

/** The origin of a test's relay; nothing listens there. */
export const ORIGIN = "https://relay.test";

/** What is unusual about a test's relay. */
export interface TestRelayOptions {
  readonly doorbells?: DoorbellOptions;
  readonly digestRound?: number;
  readonly quotas?: Quotas;
  /** A file; in memory, if not given. */
  readonly kv?: string;
  /** What opens its database; Deno KV, if not given. */
  readonly openDatabase?: (location: string) => Promise<Database>;
  /** Bounds of what waits to be committed, where they are other than usual. */
  readonly queue?: Partial<QueueLimits>;
  readonly keys?: RelayKeys;
  readonly clock?: Clock;
  readonly url?: string;
  readonly urlAliases?: readonly string[];
  /** What opens answers; the key itself, if not given. */
  readonly unwrapper?: Unwrapper;
  readonly handshakeRate?: number;
  readonly window?: WorkWindow;
  readonly caps?: Partial<Caps>;
  readonly proxies?: TrustedProxies;
  readonly metricsTo?: MetricsReaders;
}

/** A relay that is asked without a network, and whose clock stands still. */
export class TestRelay implements Disposable {
  readonly relay: Relay;
  readonly clock: Clock;
  /** The failures that the relay took for its own. */
  readonly failures: unknown[];
  readonly app: RelayApp;

  private constructor(
    relay: Relay,
    clock: Clock,
    failures: unknown[],
    app: RelayApp,
  ) {
    this.relay = relay;
    this.clock = clock;
    this.failures = failures;
    this.app = app;
  }

  /** Opens the store and builds the app. */
  static async open(options: TestRelayOptions = {}): Promise<TestRelay> {
    const { kv = ":memory:", clock = new Clock(), openDatabase: open } =
      options;
    const failures: unknown[] = [];
    const store = await openStore(kv, {
      now: clock.now,
      ...(open && { open }),
      ...(options.queue && { queue: options.queue }),
    });
    const keys = options.keys ?? await sharedKeys();
    const url = options.url ?? ORIGIN;
    const relay: Relay = {
      store,
      doorbells: new Doorbells(store, {
        isWatching: kv !== IN_MEMORY,
        ...options.doorbells,
      }),
      keys,
      url,
      origins: [url, ...options.urlAliases ?? []],
      unwrapper: options.unwrapper ?? keys.maxima,
      handshakeRate: options.handshakeRate ?? DEFAULT_HANDSHAKE_RATE,
      window: options.window ?? DEFAULT_WINDOW,
      limits: NETWORK_LIMITS,
      price: DEFAULT_WORK_PRICE,
      tariff: DEFAULT_TARIFF,
      quotas: options.quotas ?? DEFAULT_QUOTAS,
      digestRound: options.digestRound ?? DIGEST_ROUND,
      caps: { ...DEFAULT_CAPS, ...options.caps },
      clock,
      now: clock.now,
      log: failureLog(failures),
      meters: new Meters(),
      metricsTo: options.metricsTo ?? "loopback",
      revocations: new Revocations(store, clock),
    };
    ledgerOf(store).quota = relay.quotas.relay;
    const app = await createApp(relay, { proxies: options.proxies ?? 0 });
    return new TestRelay(relay, clock, failures, app);
  }

  /** Asks for a path, or for a whole URL; from an address, if one is given. */
  async fetch(
    path: string,
    init?: RequestInit,
    info?: ServeInfo,
  ): Promise<Response> {
    return await this.app.fetch(
      new Request(new URL(path, this.relay.url), init),
      info,
    );
  }

  /** Asks from an address, as a connection does. */
  async fetchFrom(
    hostname: string,
    url: string,
    init?: RequestInit,
  ): Promise<Response> {
    return await this.app.fetch(new Request(url, init), {
      remoteAddr: { hostname },
    });
  }

  /** Everything in the store. */
  async dump(): Promise<Entry[]> {
    return await dump(this.relay.store);
  }

  [Symbol.dispose](): void {
    this.relay.doorbells[Symbol.dispose]();
    this.relay.store[Symbol.dispose]();
  }
}

/** A log of which the errors of warnings and worse are kept. */
function failureLog(failures: unknown[]): Log {
  const fail = (_: string, fields?: Fields) => failures.push(fields?.["error"]);
  return {
    ...silentLog,
    warn: fail,
    error: fail,
    with: () => failureLog(failures),
  };
}

/** Everything in a store, in the order of its keys. */
export function dump(store: Store): Promise<Entry[]> {
  return store.list({ prefix: [] });
}
