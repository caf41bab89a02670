/** Starts a relay: opens the store, builds the app, serves it. */
import { type Config, termsOf } from "./config.ts";
import { Doorbells } from "./kv/bells/doorbells.ts";
import { loadRelayKeys } from "./kv/relay_keys.ts";
import { keepPresence } from "./kv/store/presence.ts";
import { openStore, type Store } from "./kv/store/store.ts";
import { keepSweeping, overdueHours, sweep } from "./kv/mail/sweep.ts";
import { widenWindow } from "./kv/mail/window.ts";
import { ledgerOf } from "./kv/mail/ledger.ts";
import { DIGEST_ROUND } from "./lib/link.ts";
import { NETWORK_LIMITS } from "./lib/minima/maxtxpow.ts";
import { RsaPool } from "./lib/seal/rsa_pool.ts";
import type { LineLog, Log } from "./lib/log.ts";
import { type Clock, systemClock } from "./lib/timers.ts";
import { DEFAULT_WINDOW } from "./lib/work/check.ts";
import { openRelayLog } from "./relay/log.ts";
import { Meters } from "./relay/meters.ts";
import { logSweeps, observe, SweepState, watchStore } from "./relay/observe.ts";
import { observeProcess } from "./relay/process_gauges.ts";
import { relayUsageOf } from "./relay/room.ts";
import { edgeSources } from "./routes/edge_sources.ts";
import { originsOf } from "./relay/origins.ts";
import { isWatchable, PLATFORM_STORE } from "./kv/store/location.ts";
import type { Caps } from "./relay/caps.ts";
import { createApp, type EdgeUse } from "./routes/app.ts";
import type { ConnectionTable } from "./routes/connections.ts";
import { roomForConnections } from "./routes/descriptors.ts";
import type { Answer } from "./routes/serve_info.ts";
import { startServer } from "./routes/server.ts";
import { tellReads } from "./relay/reading.ts";
import { contactAddress, type Relay } from "./relay/relay.ts";
import { Revocations } from "./relay/revocations.ts";
import { VERSION } from "./lib/version.ts";

/** A relay that answers requests. */
export interface RunningRelay {
  /** Where it listens, such as `http://127.0.0.1:8000`. */
  readonly listening: string;
  /** The origin that clients use. */
  readonly url: string;
  /** Its contact address. */
  readonly address: string;
  /** Ends when the relay was stopped; rejects if its server ended unasked. */
  readonly finished: Promise<void>;
  /** What strangers use of it now. */
  readonly use: EdgeUse & { readonly connections: ConnectionTable };
  /** Sees to what is due, for a platform whose instances sleep. */
  sweep(): Promise<void>;
  /** Lets requests under way end, then closes the store. */
  stop(): Promise<void>;
}

/** Starts a relay with a configuration. */
export async function startRelay(
  config: Config,
  clock: Clock = systemClock,
  log: LineLog = logOf(config, clock),
): Promise<RunningRelay> {
  const { now } = clock;
  const meters = new Meters();
  const sweeps = new SweepState(now);
  // Descriptors are counted by taking them: before anything else needs one.
  const caps: Caps = {
    ...config,
    connections: config.connections ?? roomForConnections(),
  };
  const store = await openStore(config.kv, {
    now,
    queue: { bytes: config.queueBytes },
  });
  // Let go of in turn, the last first, if starting fails and when it has ended.
  const held = new AsyncDisposableStack();
  held.use(store);
  try {
    const keys = await loadRelayKeys(store, {
      ...(config.signingKey && { signing: config.signingKey }),
      ...(config.maximaKey && { maxima: config.maximaKey }),
    }, now);
    const window = await widenWindow(store, {
      ...DEFAULT_WINDOW,
      back: 1_000 * config.workWindow,
    }, now());
    // The port may be free for the system to choose, and the app's URL has it:
    // the socket is there first, and the app a little later. Who asks meanwhile
    // waits for it.
    const ready = Promise.withResolvers<Answer>();
    let answer: Answer = async (request, info) =>
      (await ready.promise)(request, info);
    const server = startServer({
      port: config.port,
      host: config.host,
      isByPlatform: config.kv === PLATFORM_STORE,
      clock,
      caps,
      answer: (request, info) => answer(request, info),
      log,
    });
    let isStarted = false;
    held.defer(() => {
      if (!isStarted) server.abort();
    });
    const listening = origin(server.addr.hostname, server.addr.port);
    const origins = originsOf(config, listening);
    const [url] = origins;
    const isWatching = isWatchable(config.kv);
    const doorbells = new Doorbells(store, {
      isWatching,
      clock,
      onFailure: (error) => log.warn("bells-failed", { error }),
    });
    held.use(doorbells);
    const unwrapper = new RsaPool(keys.maxima);
    held.defer(() => unwrapper.close());
    const relay: Relay = {
      store,
      doorbells,
      keys,
      url,
      origins,
      unwrapper,
      handshakeRate: config.handshakeRate,
      window,
      limits: NETWORK_LIMITS,
      ...termsOf(config),
      digestRound: DIGEST_ROUND,
      caps,
      clock,
      now,
      log,
      meters,
      metricsTo: config.metrics,
      revocations: new Revocations(store, clock),
    };
    ledgerOf(store).quota = relay.quotas.relay;
    watchStore(store, meters);
    const app = await createApp(relay, { proxies: config.trustedProxies });
    const use = { ...app.use, connections: server.connections };
    observeProcess(meters.metrics, now);
    observe(meters.metrics, {
      queue: () => store.commits.stats,
      bells: () => doorbells.stats,
      room: {
        usage: () => relayUsageOf(relay),
        quota: relay.quotas.relay,
      },
      sweepAge: sweeps.age,
      oldestDue: async () => 3_600 * await overdueHours(store, now()),
      ...edgeSources(use, caps),
    });
    answer = app.fetch;
    ready.resolve(answer);
    log.info("start", {
      version: VERSION,
      deno: Deno.version.deno,
      store: config.kv,
      keys: {
        signing: placeOf(config.signingKey),
        maxima: placeOf(config.maximaKey),
      },
      listening,
      url,
    });
    for (const detail of warningsOf(config)) log.warn("configured", { detail });
    const ending = new AbortController();
    const watching = isWatching && warnOfLateWatch(store, {
      log,
      timeUp: clock.sleep(WATCH_WITHIN, ending.signal),
      signal: ending.signal,
    });
    const tell = () => tellReads(relay).catch(() => {}); // or the next time
    const stopTelling = clock.every(TELL_EVERY, tell);
    const leave = keepPresence(store, clock);
    const stopped = Promise.withResolvers<void>();
    const onSweep = logSweeps({ meters, log, sweeps });
    const stopSweeping = keepSweeping(store, clock, onSweep);
    isStarted = true;
    const finished = Promise.race([server.finished, stopped.promise])
      .finally(async () => {
        ending.abort();
        // A store that does not answer is no reason to stay.
        const patience = new AbortController();
        await Promise.race([watching, clock.sleep(GRACE, patience.signal)]);
        patience.abort();
        stopTelling();
        await tell();
        await stopSweeping();
        await leave();
        await held.disposeAsync();
        log.info("stopped");
        log.close();
      });
    return {
      listening,
      url,
      address: contactAddress(relay),
      use,
      finished,
      async sweep() {
        await sweep(store, { now })
          .then(onSweep, (error) => onSweep({ error }));
      },
      async stop() {
        log.info("stop");
        const hasDrained = await app.drain();
        log.info("drain", { hasDrained });
        // A server that shuts down cannot be cut off any more: it is one of both.
        if (hasDrained) server.shutdown();
        else server.abort();
        const callOff = clock.after(GRACE, () => {
          server.abort();
          stopped.resolve();
        });
        await finished;
        callOff();
      },
    };
  } catch (error) {
    await held.disposeAsync();
    throw error;
  }
}

/** Milliseconds that a watch has to tell of a change. */
const WATCH_WITHIN = 5_000;

/** Tries the store's watches while the relay is served already. */
async function warnOfLateWatch(
  store: Store,
  { log, timeUp, signal }: {
    readonly log: Log;
    readonly timeUp: Promise<void>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const isHeard = await store.hearsWatches(timeUp).catch(() => false);
  if (!isHeard && !signal.aborted) log.warn("watch-late");
}

/** Milliseconds between two times that the store is told who reads. */
const TELL_EVERY = 5 * 60_000;

/** Milliseconds that connections have to end once no request is under way. */
const GRACE = 1_000;

/** An address to listen on as the origin by which this machine reaches it. */
function origin(hostname: string, port: number): string {
  const host = { "0.0.0.0": "127.0.0.1", "::": "[::1]" }[hostname] ?? hostname;
  return `http://${
    host.includes(":") && !host.startsWith("[") ? `[${host}]` : host
  }:${port}`;
}

/** The log that a configuration asks for. */
export function logOf({ log, logLevel }: Config, { now }: Clock): LineLog {
  return openRelayLog({ format: log, level: logLevel, now });
}

/** Where a key is kept, by what the configuration has of it. */
export function placeOf(key: unknown): "store" | "environment" {
  return key === null ? "store" : "environment";
}

/** Hosts that only this machine reaches. */
const LOOPBACK = /^(127\.|localhost$|::1$)/;

/** What an operator should know of a configuration that works. */
function warningsOf({ host, url }: Config): string[] {
  if (url !== null || LOOPBACK.test(host)) return [];
  return ["the relay listens to others, who need its URL: set RESTANTE_URL"];
}
