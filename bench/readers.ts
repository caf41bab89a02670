/** Memory of readers that wait, by events and by WebSocket. */
import { startRelay } from "../main.ts";
import { readConfig } from "../config.ts";
import { issueToken } from "../lib/token.ts";
import { generateSigningKey, importSigningKey } from "../lib/signing_key.ts";
import { generateRsaKey } from "../lib/seal/rsa.ts";
import { mailboxIdOf } from "../lib/ids.ts";
import { systemRandom } from "../lib/random.ts";
import { count, printTable } from "./measure.ts";

const READERS = 2_000;

/** Prints one table: resident memory of the relay's own process. */
export async function benchReaders(): Promise<void> {
  const rows = [["transport", "readers", "KiB a reader"]];
  for (const transport of ["events", "socket"] as const) {
    const bytes = await measureTransport(transport);
    rows.push([
      transport,
      count(READERS),
      (bytes / READERS / 1_024).toFixed(1),
    ]);
  }
  console.log("\nMemory of readers that wait");
  printTable(rows);
}

/** The relay runs here, the readers in a worker process of their own. */
async function measureTransport(
  transport: "events" | "socket",
): Promise<number> {
  const signing = await generateSigningKey();
  const environment: Record<string, string> = {
    PORT: "0",
    RESTANTE_KV: ":memory:",
    RESTANTE_SIGNING_KEY: signing.toBase64(),
    RESTANTE_MAXIMA_KEY: (await generateRsaKey(2_048)).toBase64(),
  };
  const relay = await startRelay(readConfig((name) => environment[name]));
  const mailbox = mailboxIdOf(systemRandom(32));
  const key = await importSigningKey(signing);
  const { token } = await issueToken(key, {
    mailbox,
    scopes: ["read"],
    jkt: null,
  }, Date.now());
  const before = await settledMemory();
  const clients = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-net",
      new URL("./reader_process.ts", import.meta.url).href,
      transport,
      relay.listening,
      mailbox,
      token,
      String(READERS),
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const ready = clients.stdout.getReader();
  await ready.read();
  const used = await settledMemory() - before;
  await clients.stdin.close();
  await ready.cancel();
  await clients.status;
  await relay.stop();
  return used;
}

/** Resident bytes once nothing moves any more. */
async function settledMemory(): Promise<number> {
  let last = 0;
  for (let same = 0; same < 3;) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { rss } = Deno.memoryUsage();
    same = Math.abs(rss - last) < 2 ** 20 ? same + 1 : 0;
    last = rss;
  }
  return last;
}
