/**
 * `reader_process.ts events|socket URL COUNT`: opens readers, each of a mailbox
 * of its own, says so, and holds them until its input ends.
 */
import { mailboxIdOf } from "../lib/ids.ts";
import { systemRandom } from "../lib/random.ts";
import { importSigningKey } from "../lib/signing_key.ts";
import { issueToken } from "../lib/token.ts";
import { openEvents, openSocket, type Place } from "./open_reader.ts";

const [transport, url = "", count] = Deno.args;
/** How many are opened at the same time. */
const AT_ONCE = 50;

const key = await importSigningKey(
  Uint8Array.fromBase64(Deno.env.get("RESTANTE_SIGNING_KEY") ?? ""),
);

async function openOne(): Promise<unknown> {
  const mailbox = mailboxIdOf(systemRandom(32));
  const grant = { mailbox, scopes: ["read" as const], jkt: null };
  const { token } = await issueToken(key, grant, Date.now());
  const place: Place = { url, mailbox, token, query: "idle" };
  return transport === "events"
    ? await openEvents(place)
    : await openSocket(place);
}

const held: unknown[] = [];
while (held.length < Number(count)) {
  const left = Number(count) - held.length;
  const some = Array.from({ length: Math.min(left, AT_ONCE) }, openOne);
  held.push(...await Promise.all(some));
}
console.log("ready");
for await (const _ of Deno.stdin.readable);
Deno.exit(0);
