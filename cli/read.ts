/** `restante read`: proves the key, lists what is held, opens it. */
import { join } from "node:path";
import type { Command } from "commander";
import {
  acknowledge,
  ClientError,
  readAll,
  readPage,
  type ReceivedMessage,
  Relay,
  RelayError,
  Session,
} from "../client/mod.ts";
import { readIdentity, writeSecret } from "./files.ts";
import { type OutputOptions, print, printable } from "./output.ts";

interface ReadCommandOptions extends OutputOptions {
  relay: string;
  identity: string;
  after?: string;
  watch?: boolean;
  ack?: string | true;
  save?: string;
}

/** Seconds that the relay is asked to wait for mail when following. */
const WAIT = 25;
/** Milliseconds before a relay that did not answer is asked again. */
const RETRY_AFTER = 2_000;

/** Adds the command. */
export function addRead(program: Command): void {
  program.command("read")
    .summary("read a mailbox")
    .description(
      "Proves the key to the relay (which opens the mailbox the first time), then lists what is held, decrypted.",
    )
    .requiredOption("--relay <url>", "the relay that keeps the mailbox")
    .requiredOption("--identity <file>", "whose mailbox")
    .option("--after <cursor>", "only what is behind this cursor")
    .option(
      "--watch",
      "go on and print what arrives, one document a line with --json",
    )
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
        new Relay(options.relay),
        await readIdentity(options.identity),
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
  for await (const page of readAll(session, next)) {
    for (const message of page.messages) await take(message, options);
    messages.push(...page.messages);
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

async function follow(
  session: Session,
  options: ReadCommandOptions,
): Promise<never> {
  for (let cursor = options.after ?? null;;) {
    try {
      const page = await readPage(session, cursor, { wait: WAIT });
      for (const message of page.messages) {
        await take(message, options);
        if (options.json) await print(JSON.stringify(inJson(message)));
      }
      if (page.messages.length > 0) {
        await acknowledgeIfAsked(session, options, page.next);
      }
      cursor = page.next;
    } catch (error) {
      if (!isPassing(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER));
    }
  }
}

/** Whether a failure may be over at the next look. */
function isPassing(error: unknown): boolean {
  return error instanceof ClientError && error.code === "relay-unreachable" ||
    error instanceof RelayError && error.code === "busy";
}

async function acknowledgeIfAsked(
  session: Session,
  { ack }: ReadCommandOptions,
  through: string | null,
): Promise<void> {
  if (ack === undefined || through === null) return;
  await acknowledge(session, through, ack === true ? "default" : ack);
}

/** Saves a message if asked, and prints it for people. */
async function take(
  message: ReceivedMessage,
  options: ReadCommandOptions,
): Promise<void> {
  if (options.save !== undefined && message.letter !== null) {
    const file = join(options.save, message.id);
    await writeSecret(file, message.letter.data, true);
  }
  if (!options.json) await print(inText(message));
}

function inText({ cursor, letter, failure }: ReceivedMessage): string {
  if (letter === null) return `--- ${printable(cursor)}\n(${failure})\n`;
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
