/**
 * `server_process.ts relay|bare FILE`: a server whose memory is its own. Prints
 * where it listens, and its resident bytes for each line of its input.
 */
import { readConfig } from "../config.ts";
import { startRelay } from "../main.ts";
import { serveBare } from "./bare_server.ts";
import { settledMemory } from "./settled_memory.ts";

const [kind, file] = Deno.args;

async function startRelayOn(file: string | undefined): Promise<string> {
  const settings: Record<string, string | undefined> = {
    PORT: "0",
    RESTANTE_KV: file,
    RESTANTE_SIGNING_KEY: Deno.env.get("RESTANTE_SIGNING_KEY"),
  };
  const relay = await startRelay(readConfig((name) => settings[name]));
  return relay.listening;
}

console.log(
  kind === "relay"
    ? await startRelayOn(file)
    : await serveBare(await Deno.openKv(file)),
);
for await (const _ of Deno.stdin.readable) console.log(await settledMemory());
Deno.exit(0);
