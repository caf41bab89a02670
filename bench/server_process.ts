/**
 * `server_process.ts relay|bare FILE SETTINGS`: a server whose memory is its own;
 * the settings are JSON, by their variables. Prints where it listens, and for each
 * line of its input the milliseconds that it has computed, if the line is `cpu`,
 * or else its resident bytes.
 */
import process from "node:process";
import { readConfig } from "../config.ts";
import { startRelay } from "../start_relay.ts";
import { serveBare } from "./bare_server.ts";
import { settledMemory } from "./settled_memory.ts";

const [kind, file, given = "{}"] = Deno.args;

async function startRelayOn(file: string | undefined): Promise<string> {
  const settings: Record<string, string | undefined> = {
    ...JSON.parse(given),
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
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
for await (const line of lines) {
  const { user, system } = process.cpuUsage();
  const isCpu = line.trim() === "cpu";
  console.log(isCpu ? (user + system) / 1_000 : await settledMemory());
}
Deno.exit(0);
