/** `restante send`: seals, mines, posts, and prints the receipt. */
import { type Command, Option } from "commander";
import { MAX_HASHES, Relay, resolveRecipient, send } from "../client/mod.ts";
import { parseCount, parseTime } from "./arguments.ts";
import { readIdentity, readInput } from "./files.ts";
import { identityOr, recall, relayOr } from "./home.ts";
import { PASSPHRASE_OPTION, type PassphraseOptions } from "./passphrase.ts";
import { Progress } from "./bar.ts";
import {
  type OutputOptions,
  printResult,
  timeText,
  UsageError,
} from "./output.ts";
import { shown } from "./terminal_text.ts";

interface SendCommandOptions extends OutputOptions, PassphraseOptions {
  relay?: string;
  identity?: string;
  file?: string;
  application: string;
  hold: number;
  maxHashes: number;
}

/** Adds the command. */
export function addSend(program: Command): void {
  program.command("send")
    .summary("send a message")
    .description(
      "Seals a message, mines the work for it, posts it, and prints the relay's receipt.",
    )
    .argument(
      "<to>",
      "a name (alice or alice@host), a contact address (Mx…@host:port), a MAX# address, or a public key (hex or Mx)",
    )
    .argument("[text]", "the message")
    .option(
      "--relay <url>",
      "the relay to post to; the one in the address, or of restante init, if not given",
    )
    .option(
      "--identity <file>",
      "who sends; that of restante init, if not given",
    )
    .option(...PASSPHRASE_OPTION)
    .option(
      "--file <file>",
      "send the bytes of this file (or -) instead of a text",
    )
    .option(
      "--application <name>",
      "the Maxima application it is for",
      "restante",
    )
    .addOption(
      new Option(
        "--hold <time>",
        "how long the relay is to keep it: seconds, or like 90m, 36h or 7d",
      )
        .default(7 * 86_400, "7d").argParser(parseTime),
    )
    .addOption(
      new Option("--max-hashes <count>", "do not mine more than this")
        .default(MAX_HASHES).argParser(parseCount),
    )
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      '\nExample:\n  restante send "$BOB" "hello" --identity alice.json',
    )
    .action(
      async (
        to: string,
        text: string | undefined,
        options: SendCommandOptions,
      ) => {
        const recipient = await resolveRecipient(to, {
          relay: await relayToAsk(options.relay),
        });
        const url = options.relay ?? recipient.relayUrl ??
          await relayOr(undefined);
        const file = await identityOr(options.identity);
        const from = await readIdentity(file, options);
        const data = await readData(text, options.file);
        using progress = new Progress(options);
        let isSending = false;
        const stored = await send({
          relay: new Relay(url),
          from,
          to: recipient.publicKey,
          application: options.application,
          data,
          hold: options.hold,
          maxHashes: options.maxHashes,
          onQuote: ({ hashes }) => progress.begin("mining", hashes),
          onMining: ({ tries }) => progress.update(tries),
          onUpload(sent, total) {
            if (!isSending) progress.begin("sending", total);
            isSending = true;
            progress.update(sent);
          },
        });
        progress.finish();
        await printResult(
          options,
          stored,
          [
            shown`message  ${stored.id}`,
            shown`held     until ${
              timeText(stored.holdUntil)
            }, paid by ${stored.paid.hashes} hashes`,
            shown`receipt  ${stored.receipt}`,
          ].join("\n"),
        );
      },
    );
}

/** Whom to ask about a name: nobody, if no relay is given or remembered. */
async function relayToAsk(given: string | undefined) {
  const url = given ?? (await recall())?.relay;
  return url === undefined ? undefined : new Relay(url);
}

async function readData(text: string | undefined, file: string | undefined) {
  if (file !== undefined && text !== undefined) {
    throw new UsageError("give a text or --file, not both");
  }
  if (file !== undefined) return await readInput(file);
  if (text !== undefined) return new TextEncoder().encode(text);
  throw new UsageError("nothing to send: give a text or --file");
}
