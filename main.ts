/** The relay as a process, and as an app of Deno Deploy. */
import { type Config, ConfigError, readConfig } from "./config.ts";
import { RelayKeyError } from "./kv/relay_keys.ts";
import type { Log } from "./lib/log.ts";
import { systemClock } from "./lib/timers.ts";
import { formatFor } from "./relay/log.ts";
import {
  logOf,
  placeOf,
  type RunningRelay,
  startRelay,
} from "./start_relay.ts";

/** The relay that this process serves, once it does. */
const served = Promise.withResolvers<RunningRelay>();

/** What the platform calls by the clock, where it does (`--unstable-cron`). */
type Cron = (
  name: string,
  schedule: string,
  handler: () => Promise<void>,
) => Promise<void>;

/**
 * Instances of Deno Deploy sleep between requests: the platform wakes one to see
 * to what is due. It has to be told at the top of the program.
 */
function sweepByCron(): void {
  const { cron } = Deno as { cron?: Cron };
  const isOnDeploy = Deno.env.get("DENO_DEPLOY") !== undefined;
  if (cron === undefined || !isOnDeploy) return;
  cron("sweep", "*/10 * * * *", async () => (await served.promise).sweep());
}

/**
 * Runs a relay until it is told to stop. What people want to know goes to
 * standard error; standard output has the one line that says it is ready.
 */
export async function serve(
  config: Config,
  { json = false }: { json?: boolean | undefined } = {},
): Promise<void> {
  const log = logOf(config, systemClock);
  surviveMishaps(log);
  const relay = await startRelay(config, systemClock, log);
  served.resolve(relay);
  let isStopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      if (isStopping) Deno.exit(1); // told twice, it does not wait
      isStopping = true;
      relay.stop();
    });
  }
  const { listening, url, address } = relay;
  // The log has all this as its first line, where it is for machines.
  const isForPeople =
    (config.log ?? formatFor(Deno.stderr.isTerminal())) === "text";
  if (isForPeople) {
    console.error(`store    ${config.kv}`);
    console.error(
      `keys     signing in the ${placeOf(config.signingKey)}, Maxima in the ${
        placeOf(config.maximaKey)
      }`,
    );
    console.error(`url      ${url}`);
    console.error(`address  ${address}`);
    console.error(`docs     ${url}/docs`);
  }
  console.log(
    json
      ? JSON.stringify({ listening, url, address })
      : `listening on ${listening}`,
  );
  await relay.finished;
}

/**
 * Failures that nobody waited for, of one connection or of a worker, are logged
 * and end nothing: what is stored is in the store, and a mistake in serving one
 * stranger is not to be felt by all others.
 */
function surviveMishaps(log: Log): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("unhandled-rejection", { error: event.reason });
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    log.error("unhandled-error", { error: event.error });
  });
}

/** Runs a relay as the process's own task: its end is that of the process. */
export async function runMain(): Promise<never> {
  try {
    await serve(readConfig((variable) => Deno.env.get(variable)));
    Deno.exit(0); // the signal listeners would keep the process
  } catch (error) {
    const isSetting = error instanceof ConfigError ||
      error instanceof RelayKeyError;
    if (isSetting) console.error(`error: ${error.message}`);
    else console.error("error:", error);
    Deno.exit(1);
  }
}

if (import.meta.main) {
  sweepByCron();
  await runMain();
}
