/** `restante read`: proves the key, lists what is held, opens it. */
import { join } from "node:path";
import type { Command } from "commander";
import {
  fetchMessage,
  readAll,
  type ReceivedMessage,
  Relay,
  Session,
  watch,
  type WatchEvent,
} from "../client/mod.ts";
import {
  acknowledgeIfAsked,
  type AcknowledgeOptions,
  readerOf,
  ReadPart,
  requireOneReader,
} from "./acknowledging.ts";
import { parseBandwidth } from "./arguments.ts";
import { readIdentity, writeSecret } from "./files.ts";
import { identityOr, relayOr } from "./home.ts";
import { letterDocument, letterText } from "./letter_text.ts";
import { PASSPHRASE_OPTION, type PassphraseOptions } from "./passphrase.ts";
import { note, type OutputOptions, print, printJson } from "./output.ts";
import { shown } from "./terminal_text.ts";

interface ReadCommandOptions
  extends OutputOptions, PassphraseOptions, AcknowledgeOptions {
  relay?: string;
  identity?: string;
  bandwidth?: number;
  fetch?: boolean;
  after?: string;
  watch?: boolean;
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
      "--reader <name>",
      "read as this device: what it has read is kept until it acknowledges it",
    )
    .option(
      "--ack [reader]",
      "acknowledge what was read, up to what was withheld, as this device (or --reader's): the relay may delete it",
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
      requireOneReader(options);
      const session = new Session(
        new Relay(await relayOr(options.relay)),
        await readIdentity(await identityOr(options.identity), options),
      );
      if (options.save !== undefined) {
        await Deno.mkdir(options.save, { recursive: true, mode: 0o700 });
      }
      const { created } = await session.open();
      if (created && !options.json) {
        note(`opened mailbox ${session.identity.mailbox}`);
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
  const messages: Record<string, unknown>[] = [];
  const part = new ReadPart();
  let count = 0;
  let next = options.after ?? null;
  let reset = false;
  for await (const page of readAll(session, next, howToRead(options))) {
    for (const listed of page.messages) {
      const message = await take(listed, session, options);
      if (options.json) messages.push(letterDocument(message));
      part.add(message);
      count++;
    }
    next = page.next;
    reset ||= page.reset;
  }
  if (options.json) {
    const { mailbox } = session.identity;
    await printJson({ mailbox, messages, next, reset });
  } else if (count === 0) note("no messages");
  else note(shown`next time: --after ${next ?? ""}`);
  await acknowledgeIfAsked(session, options, part.through(next));
}

/** Until it is interrupted: that is how it is meant to end. */
async function follow(
  session: Session,
  options: ReadCommandOptions,
): Promise<void> {
  const end = new AbortController();
  Deno.addSignalListener("SIGINT", () => end.abort());
  const { after = null, json } = options;
  const watching = watch(session, {
    ...howToRead(options),
    after,
    signal: end.signal,
    onEvent: (event) => {
      const text = eventText(event);
      if (text !== null && !json && Deno.stderr.isTerminal()) note(text);
    },
  });
  const part = new ReadPart();
  try {
    for await (const listed of watching) {
      const message = await take(listed, session, options);
      if (json) await printJson(letterDocument(message));
      part.add(message);
      if (!part.isWhole) continue;
      await acknowledgeIfAsked(session, options, message.cursor);
    }
  } catch (error) {
    if (!end.signal.aborted) throw error;
  }
}

/** What becomes of the connection, for who looks on; null if it is no matter. */
export function eventText(event: WatchEvent): string | null {
  switch (event.kind) {
    case "connected":
      return "connected";
    case "waiting":
      return `the relay is gone; again in ${
        Math.ceil(event.milliseconds / 1_000)
      } s`;
    case "reset":
      return "the relay was restored: from the oldest held";
    case "blocked":
      return null;
  }
}

/** What every way to read takes. */
function howToRead(options: ReadCommandOptions) {
  return { bandwidth: options.bandwidth, reader: readerOf(options) };
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
  if (!options.json) await print(letterText(message, terminalColumns()));
  return message;
}

/** Columns of the terminal that we print to; null if it is none. */
function terminalColumns(): number | null {
  if (!Deno.stdout.isTerminal()) return null;
  return Deno.consoleSize().columns || UNKNOWN_COLUMNS;
}

/** What a terminal has that does not say it. */
const UNKNOWN_COLUMNS = 80;
