/** `restante keygen` and `restante address`: who we are. */
import { type Command, Option } from "commander";
import {
  addressAt,
  type Identity,
  identityText,
  importIdentity,
  makeIdentity,
  Relay,
} from "../client/mod.ts";
import { readIdentity, readInput, writeSecret } from "./files.ts";
import { type OutputOptions, printResult } from "./output.ts";

interface KeygenOptions extends OutputOptions {
  import?: string;
  force?: boolean;
}

/** Adds the commands. */
export function addKeygen(program: Command): void {
  program.command("keygen")
    .summary("make an identity file")
    .description(
      "Makes an identity: a new private key, or an existing one, in a file that only you can read.",
    )
    .argument("<file>", "where to write it")
    .addOption(
      new Option(
        "--suite <suite>",
        "the encryption suite; maxima is what genuine Minima nodes use",
      )
        .choices(["maxima"]).default("maxima"),
    )
    .option(
      "--import <key>",
      "take this PKCS#8 RSA key (a file or -; PEM, DER or hex) instead of a new one",
    )
    .option("--force", "overwrite the file")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  restante keygen alice.json")
    .action(async (file: string, options: KeygenOptions) => {
      const identity = options.import === undefined
        ? await makeIdentity()
        : await importIdentity(await readInput(options.import));
      const text = new TextEncoder().encode(identityText(identity));
      await writeSecret(file, text, options.force ?? false);
      const { suite, mailbox, publicKey } = facts(identity);
      await printResult(
        options,
        { file, suite, mailbox, publicKey },
        `identity  ${file}\nmailbox   ${mailbox}`,
      );
    });

  program.command("address")
    .summary("print an identity's contact address")
    .description(
      "Prints the contact address at a relay (alone on the first line), the mailbox id and the public key.",
    )
    .argument("<file>", "identity file")
    .requiredOption("--relay <url>", "the relay that keeps the mailbox")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  restante address alice.json --relay https://relay.example",
    )
    .action(
      async (file: string, options: OutputOptions & { relay: string }) => {
        const identity = await readIdentity(file);
        const { mailbox, publicKey } = facts(identity);
        const address = addressAt(
          identity.key.publicKey,
          new Relay(options.relay).url,
        );
        await printResult(
          options,
          { address, mailbox, publicKey },
          `${address}
mailbox     ${mailbox}
public key  ${publicKey}`,
        );
      },
    );
}

function facts({ suite, mailbox, key }: Identity) {
  return { suite, mailbox, publicKey: key.publicKey.toHex() };
}
