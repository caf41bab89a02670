/** Saying that a worker uses a store: what must not happen meanwhile is refused. */
import type { Clock } from "../../lib/timers.ts";
import { endLease, takeLease } from "./lease.ts";
import type { Store } from "./store.ts";

/** Milliseconds for which it is taken to do so, and between two times it says so. */
const SAID_FOR = 60_000;
const SAID_EVERY = 20_000;

/** Says so from now on; gives how to end that. */
export function keepPresence(store: Store, clock: Clock): () => Promise<void> {
  const holder = crypto.randomUUID();
  const what = `worker ${holder}`;
  let saying = Promise.resolve();
  const say = () => {
    const now = clock.now();
    const lease = { holder, until: now + SAID_FOR };
    saying = takeLease(store, what, lease, now)
      .then(() => {}, () => {}); // the store does not answer: the next time
  };
  say();
  const callOff = clock.every(SAID_EVERY, say);
  return async () => {
    callOff();
    await saying;
    await endLease(store, what, holder).catch(() => {}); // it ends by its time
  };
}
