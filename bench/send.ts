/** From "send" to the 201 of a 1 KB message at the network minimum, and its parts. */
import { makeIdentity, Relay, send, Session } from "../client/mod.ts";
import { packageHash } from "../lib/minima/maxima.ts";
import { systemRandom } from "../lib/random.ts";
import { seal } from "../lib/seal/maxima.ts";
import { generateSigningKey } from "../lib/signing_key.ts";
import { mine } from "../lib/work/mine.ts";
import { printTable } from "./measure.ts";
import { startServer } from "./processes.ts";

const BODY = 1_024;
const SAMPLES = 200;
/** Seconds that the network minimum pays for. */
const HOLD = 3_600;

/** Prints one table; the relay is a process with a store on disk. */
export async function benchSend(): Promise<void> {
  const folder = await Deno.makeTempDir();
  const signingKey = await generateSigningKey();
  const rows = [["step", "p50 ms", "p95 ms"]];
  try {
    await using server = await startServer(
      "relay",
      `${folder}/store.kv`,
      signingKey,
    );
    const relay = new Relay(server.url);
    const [from, bob] = [await makeIdentity(), await makeIdentity()];
    await new Session(relay, bob).open();
    const to = bob.key.publicKey;
    const application = "bench";
    const data = systemRandom(BODY);
    const { target, hashes } = await relay.quote(2_048, HOLD, bob.mailbox);
    const sealOne = () =>
      seal({ to, from: from.key, application, data, time: Date.now() });
    const customHash = packageHash(await sealOne());
    const steps: Record<string, () => Promise<unknown>> = {
      "send to 201": () =>
        send({ relay, from, to, application, data, hold: HOLD }),
      "of it: quote": () => relay.quote(2_048, HOLD, bob.mailbox),
      "of it: seal": sealOne,
      [`of it: mine ${hashes} hashes`]: () =>
        mine({ customHash, target, time: Date.now() }),
    };
    const times = new Map(
      Object.keys(steps).map((name) => [name, [] as number[]]),
    );
    for (let i = -1; i < SAMPLES; i++) {
      for (const [name, step] of Object.entries(steps)) {
        const started = performance.now();
        await step();
        if (i >= 0) times.get(name)?.push(performance.now() - started);
      }
    }
    for (const [name, samples] of times) {
      const sorted = samples.toSorted((a, b) => a - b);
      const at = (share: number) =>
        (sorted[Math.floor(share * sorted.length)] ?? NaN).toFixed(1);
      rows.push([name, at(0.5), at(0.95)]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  printTable("Sending 1 KB at the network minimum", rows);
}
