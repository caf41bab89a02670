/** A relay on a real store, asked over a real connection. */
import { setTimeout as delay } from "node:timers/promises";
import { type Config, readConfig } from "../../config.ts";
import { systemClock } from "../../lib/timers.ts";
import { DEFAULT_CAPS } from "../../relay/caps.ts";
import { type RunningRelay, startRelay } from "../../start_relay.ts";
import { sharedPkcs8 } from "./shared_keys.ts";

/** A configuration with a free port of this machine, and a store's own keys. */
export function configOf(kv: string, changes: Partial<Config> = {}): Config {
  return {
    ...readConfig(() => undefined),
    ...DEFAULT_CAPS,
    port: 0,
    kv,
    ...changes,
  };
}

/** A relay that listens on this machine, and stops when it goes out of use. */
export interface ListeningRelay extends RunningRelay, AsyncDisposable {}

/**
 * Starts a relay, by the system's clock if not told otherwise, with keys that
 * others have too.
 */
export async function listen(
  kv = ":memory:",
  now?: () => number,
  changes?: Partial<Config>,
): Promise<ListeningRelay> {
  const { signing, maxima } = await sharedPkcs8();
  const config = configOf(kv, {
    signingKey: signing,
    maximaKey: maxima,
    ...changes,
  });
  const relay = await startRelay(
    config,
    now && { ...systemClock, now },
  );
  const stop = async () => {
    await relay.stop();
    // The last read of a watch ends a turn or two after the store is closed.
    await delay(10);
  };
  return { ...relay, stop, [Symbol.asyncDispose]: stop };
}
