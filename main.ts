/** Runs a relay: opens the store, builds the app, serves it. */
import { type Config, ConfigError, readConfig } from "./config.ts";
import {
  loadRelayKeys,
  RelayKeyError,
  type RelayKeys,
} from "./kv/relay_keys.ts";
import { openStore } from "./kv/store.ts";
import { contactAddressText, contactHost } from "./lib/minima/address.ts";
import { NETWORK_LIMITS } from "./lib/minima/maxtxpow.ts";
import { DEFAULT_TARIFF } from "./lib/money.ts";
import { DEFAULT_WINDOW } from "./lib/work/check.ts";
import { DEFAULT_WORK_PRICE } from "./lib/work/price.ts";
import { createApp } from "./routes/app.ts";

/** A relay that answers requests. */
export interface RunningRelay {
  /** Where it listens, such as `http://127.0.0.1:8000`. */
  readonly listening: string;
  /** The origin that clients use. */
  readonly url: string;
  /** Its contact address. */
  readonly address: string;
  /** Ends when the relay has stopped. */
  readonly finished: Promise<void>;
  /** Lets requests under way end, then closes the store. */
  stop(): Promise<void>;
}

/** Starts a relay with a configuration. */
export async function startRelay(
  config: Config,
  now: () => number = Date.now,
): Promise<RunningRelay> {
  const store = await openStore(config.kv, now);
  try {
    const keys = await loadRelayKeys(store, {
      ...(config.signingKey && { signing: config.signingKey }),
      ...(config.maximaKey && { maxima: config.maximaKey }),
    });
    // The port may be free for the system to choose, and the app's URL has it:
    // the socket is there first, and the app before the next turn of the loop.
    const listener = Promise.withResolvers<string>();
    let answer = (_: Request): Response | Promise<Response> =>
      new Response(null, { status: 503 });
    const server = Deno.serve({
      port: config.port,
      hostname: config.host,
      onListen: ({ hostname, port }) =>
        listener.resolve(origin(hostname, port)),
    }, (request) => answer(request));
    const listening = await listener.promise;
    const url = config.url ?? listening;
    const app = await createApp({
      store,
      keys,
      url,
      window: { ...DEFAULT_WINDOW, back: 1_000 * config.workWindow },
      limits: NETWORK_LIMITS,
      price: DEFAULT_WORK_PRICE,
      tariff: DEFAULT_TARIFF,
      now,
      log: (message, error) => console.error(message, error),
    });
    answer = app.fetch;
    const finished = server.finished.finally(() => store[Symbol.dispose]());
    return {
      listening,
      url,
      address: addressOf(keys, url),
      finished,
      async stop() {
        await app.drain();
        await server.shutdown();
        await finished;
      },
    };
  } catch (error) {
    store[Symbol.dispose]();
    throw error;
  }
}

/** An address to listen on as the origin by which this machine reaches it. */
function origin(hostname: string, port: number): string {
  const host = { "0.0.0.0": "127.0.0.1", "::": "[::1]" }[hostname] ?? hostname;
  return `http://${
    host.includes(":") && !host.startsWith("[") ? `[${host}]` : host
  }:${port}`;
}

function addressOf(keys: RelayKeys, url: string): string {
  return contactAddressText({
    publicKey: keys.maxima.publicKey,
    ...contactHost(url),
  });
}

/**
 * Runs a relay until it is told to stop. What people want to know goes to
 * standard error; standard output has the one line that says it is ready.
 */
export async function serve(config: Config): Promise<void> {
  const relay = await startRelay(config);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => relay.stop());
  }
  const keyPlace = config.signingKey && config.maximaKey
    ? "the environment"
    : "the store";
  console.error(`store    ${config.kv}`);
  console.error(`keys     in ${keyPlace}`);
  console.error(`url      ${relay.url}`);
  console.error(`address  ${relay.address}`);
  console.error(`docs     ${relay.url}/docs`);
  console.log(`listening on ${relay.listening}`);
  await relay.finished;
}

if (import.meta.main) {
  try {
    await serve(readConfig((variable) => Deno.env.get(variable)));
    Deno.exit(0); // the signal listeners would keep the process
  } catch (error) {
    const isSetting = error instanceof ConfigError ||
      error instanceof RelayKeyError;
    if (!isSetting) throw error;
    console.error(`error: ${error.message}`);
    Deno.exit(1);
  }
}
