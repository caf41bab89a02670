/** `restante read`: proves the key, lists what is held, opens it. */
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import {
  acknowledge,
  fetchMessage,
  readAll,
  type ReceivedMessage,
  Relay,
  Session,
  watch,
  type WatchEvent,
} from "../client/mod.ts";
import { readIdentity, writeSecret } from "./files.ts";
import { identityOr, relayOr } from "./home.ts";
import { PASSPHRASE_OPTION, type PassphraseOptions } from "./passphrase.ts";
import { type OutputOptions, print, printable } from "./output.ts";

interface ReadCommandOptions extends OutputOptions, PassphraseOptions {
  relay?: string;
  identity?: string;
  bandwidth?: number;
  fetch?: boolean;
  after?: string;
  watch?: boolean;
  ack?: string | true;
  save?: string;
}

/** Adds the command. */
export function addRead(program: Command): void {
  program.command("read")
    .summary("read a mailbox")
    .description(
      "Proves the key to the relay (which opens the mailbox the first time), then lists what is held, decrypted.",
    )
    .option(
      "--relay <url>",
      "the relay that keeps the mailbox; that of restante init, if not given",
    )
    .option(
      "--identity <file>",
      "whose mailbox; that of restante init, if not given",
    )
    .option(...PASSPHRASE_OPTION)
    .option("--after <cursor>", "only what is behind this cursor")
    .option(
      "--watch",
      "go on and print what arrives, one document a line with --json",
    )
    .option(
      "--bandwidth <bps>",
      "our link in bits a second; the relay withholds what is not meant for slow ones",
      parseBandwidth,
    )
    .option("--fetch", "fetch what is withheld")
    .option(
      "--ack [reader]",
      "acknowledge what was read as this device, so that the relay may delete it",
    )
    .option(
      "--save <directory>",
      "write the data of each message to a file named by its id",
    )
    .option("--json", "print one JSON document; data is base64url")
    .addHelpText(
      "after",
      "\nExample:\n  restante read --relay https://relay.example --identity alice.json",
    )
    .action(async (options: ReadCommandOptions) => {
      const session = new Session(
        new Relay(await relayOr(options.relay)),
        await readIdentity(await identityOr(options.identity), options),
      );
      if (options.save !== undefined) {
        await Deno.mkdir(options.save, { recursive: true, mode: 0o700 });
      }
      const { created } = await session.open();
      if (created && !options.json) {
        console.error(`opened mailbox ${session.identity.mailbox}`);
      }
      await (options.watch
        ? follow(session, options)
        : readOnce(session, options));
    });
}

async function readOnce(
  session: Session,
  options: ReadCommandOptions,
): Promise<void> {
  const messages: ReceivedMessage[] = [];
  let next = options.after ?? null;
  let reset = false;
  const { bandwidth } = options;
  for await (const page of readAll(session, next, { bandwidth })) {
    for (const listed of page.messages) {
      messages.push(await take(listed, session, options));
    }
    next = page.next;
    reset ||= page.reset;
  }
  if (options.json) {
    const mailbox = session.identity.mailbox;
    await print(
      JSON.stringify({ mailbox, messages: messages.map(inJson), next, reset }),
    );
  } else if (messages.length === 0) console.error("no messages");
  else console.error(`next time: --after ${printable(next ?? "")}`);
  await acknowledgeIfAsked(session, options, next);
}

/** Until it is interrupted: that is how it is meant to end. */
async function follow(
  session: Session,
  options: ReadCommandOptions,
): Promise<void> {
  const end = new AbortController();
  Deno.addSignalListener("SIGINT", () => end.abort());
  const { after = null, bandwidth, json } = options;
  const watching = watch(session, {
    after,
    bandwidth,
    signal: end.signal,
    onEvent: (event) => {
      if (!json && Deno.stderr.isTerminal()) tell(event);
    },
  });
  try {
    for await (const listed of watching) {
      const message = await take(listed, session, options);
      if (json) await print(JSON.stringify(inJson(message)));
      await acknowledgeIfAsked(session, options, message.cursor);
    }
  } catch (error) {
    if (!end.signal.aborted) throw error;
  }
}

/** What becomes of the connection, for who looks on. */
function tell(event: WatchEvent): void {
  if (event.kind === "waiting") {
    const seconds = Math.ceil(event.milliseconds / 1_000);
    console.error(`the relay is gone; again in ${seconds} s`);
  } else if (event.kind === "reset") {
    console.error("the relay was restored: from the oldest held");
  } else if (event.kind === "connected") console.error("connected");
}

async function acknowledgeIfAsked(
  session: Session,
  { ack }: ReadCommandOptions,
  through: string | null,
): Promise<void> {
  if (ack === undefined || through === null) return;
  await acknowledge(session, through, ack === true ? "default" : ack);
}

/** Fetches and saves a message if asked, and prints it for people. */
async function take(
  listed: ReceivedMessage,
  session: Session,
  options: ReadCommandOptions,
): Promise<ReceivedMessage> {
  const message = options.fetch && listed.failure === "withheld"
    ? await fetchMessage(session, listed)
    : listed;
  if (options.save !== undefined && message.letter !== null) {
    const file = join(options.save, message.id);
    await writeSecret(file, message.letter.data, true);
  }
  if (!options.json) await print(inText(message));
  return message;
}

function parseBandwidth(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("not a number of bits a second.");
}

function inText({ cursor, size, letter, failure }: ReceivedMessage): string {
  if (letter === null) {
    const remedy = failure === "withheld"
      ? `, ${size} bytes; --fetch fetches it`
      : "";
    return `--- ${printable(cursor)}\n(${failure}${remedy})\n`;
  }
  const time = new Date(letter.time);
  const when = Number.isNaN(time.getTime()) ? "unknown" : time.toISOString();
  const text = textOf(letter.data) ??
    `(${letter.data.length} bytes; --save writes them to a file)`;
  return `--- ${printable(cursor)}\nfrom ${letter.from}\ntime ${when}\nfor  ${
    printable(letter.application)
  }\n\n${text}\n`;
}

function inJson({ letter, failure, ...facts }: ReceivedMessage) {
  if (letter === null) return { ...facts, failure };
  const { data, ...about } = letter;
  return {
    ...facts,
    ...about,
    text: textOf(data),
    data: data.toBase64({ alphabet: "base64url", omitPadding: true }),
  };
}

/** The data as text, if it is text without control characters. */
function textOf(data: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(data);
    // deno-lint-ignore no-control-regex -- what must not reach a terminal
    return /[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text.replaceAll("\r\n", "\n"))
      ? null
      : text;
  } catch {
    return null;
  }
}
