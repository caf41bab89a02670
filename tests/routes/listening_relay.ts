/** A relay on a real store, asked over a real connection. */
import type { Config } from "../../config.ts";
import { DEFAULT_QUOTAS } from "../../lib/quota.ts";
import { DEFAULT_HANDSHAKE_RATE } from "../../relay/handshake_price.ts";
import { DEFAULT_WINDOW } from "../../lib/work/check.ts";
import { systemClock } from "../../lib/timers.ts";
import { DEFAULT_CAPS } from "../../relay/caps.ts";
import { type RunningRelay, startRelay } from "../../main.ts";
import { sharedPkcs8 } from "./shared_keys.ts";

/** A configuration with a free port of this machine, and a store's own keys. */
export function configOf(kv: string, changes: Partial<Config> = {}): Config {
  return {
    port: 0,
    host: "127.0.0.1",
    kv,
    url: null,
    urlAliases: [],
    handshakeRate: DEFAULT_HANDSHAKE_RATE,
    workWindow: DEFAULT_WINDOW.back / 1_000,
    mailboxBytes: DEFAULT_QUOTAS.mailbox.bytes,
    mailboxMessages: DEFAULT_QUOTAS.mailbox.messages,
    relayBytes: DEFAULT_QUOTAS.relay.bytes,
    relayMessages: DEFAULT_QUOTAS.relay.messages,
    signingKey: null,
    maximaKey: null,
    trustedProxies: 0,
    ...DEFAULT_CAPS,
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
  return { ...relay, [Symbol.asyncDispose]: () => relay.stop() };
}
