/**
 * `reader_process.ts events|socket URL COUNT [MAILBOX]`: opens readers, each of a
 * mailbox of its own or all of that one, says so, and holds them until its input
 * ends. For a number as a line of it, says when so many messages were heard.
 */
import { type MailboxId, mailboxIdOf } from "../lib/ids.ts";
import { systemRandom } from "../lib/random.ts";
import { importSigningKey } from "../lib/signing_key.ts";
import { issueToken } from "../lib/token.ts";
import { MessageCounter } from "./message_counter.ts";
import { openEvents, openSocket, type Place } from "./open_reader.ts";

const [transport, url = "", count, mailbox] = Deno.args;
/** How many are opened at the same time. */
const AT_ONCE = 50;

const key = await importSigningKey(
  Uint8Array.fromBase64(Deno.env.get("RESTANTE_SIGNING_KEY") ?? ""),
);
const heard = new MessageCounter();
const shared = mailbox ? await placeOf(mailbox as MailboxId, "crowd") : null;

async function placeOf(mailbox: MailboxId, query: string): Promise<Place> {
  const grant = { mailbox, scopes: ["read" as const], jkt: null };
  const { token } = await issueToken(key, grant, Date.now());
  return { url, mailbox, token, query };
}

async function openOne(): Promise<unknown> {
  const place = shared ?? await placeOf(mailboxIdOf(systemRandom(32)), "idle");
  if (transport === "events") {
    const parts = await openEvents(place);
    // Those that hear nothing are left alone: a read under way is memory, too.
    if (shared !== null) heard.countEvents(parts);
    return parts;
  }
  const socket = await openSocket(place);
  socket.onmessage = () => heard.count();
  // Readers that are gone take nothing, and would be measured all the same.
  socket.onclose = ({ code }) => {
    console.error(`a reader was closed with ${code}`);
    Deno.exit(1);
  };
  return socket;
}

const held: unknown[] = [];
while (held.length < Number(count)) {
  const left = Number(count) - held.length;
  const some = Array.from({ length: Math.min(left, AT_ONCE) }, openOne);
  held.push(...await Promise.all(some));
}
console.log("ready");
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
for await (const line of lines) {
  await heard.reach(Number(line));
  console.log("heard");
}
Deno.exit(0);
