/** `restante keygen` and `restante address`: who we are. */
import { type Command, Option } from "commander";
import {
  addressAt,
  type Identity,
  importIdentity,
  makeIdentity,
  Relay,
} from "../client/mod.ts";
import {
  identityFileText,
  readIdentity,
  readInput,
  writeSecret,
} from "./files.ts";
import { identityOr, relayOr } from "./home.ts";
import { BITS_OPTION, DEFAULT_BITS, warnOfKey } from "./key_size.ts";
import { PASSPHRASE_OPTION, type PassphraseOptions } from "./passphrase.ts";
import { type OutputOptions, printResult, UsageError } from "./output.ts";
import { parseBits } from "./arguments.ts";
import { shown } from "./terminal_text.ts";

interface KeygenOptions extends OutputOptions, PassphraseOptions {
  bits?: number;
  import?: string;
  lock?: boolean;
  force?: boolean;
}

interface AddressOptions extends OutputOptions, PassphraseOptions {
  relay?: string;
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
    .option(...BITS_OPTION, parseBits)
    .option(
      "--import <key>",
      "take this PKCS#8 RSA key (a file or -; PEM, DER or hex) instead of a new one",
    )
    .option("--lock", "keep the key under a passphrase")
    .option(...PASSPHRASE_OPTION)
    .option("--force", "overwrite the file")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  restante keygen alice.json")
    .action(async (file: string, options: KeygenOptions) => {
      if (options.import !== undefined && options.bits !== undefined) {
        throw new UsageError("give --bits or --import, not both");
      }
      const identity = options.import === undefined
        ? await makeIdentity(options.bits ?? DEFAULT_BITS)
        : await importIdentity(await readInput(options.import));
      warnOfKey(options, identity);
      const text = await identityFileText(identity, options);
      await writeSecret(file, text, options.force ?? false);
      const { suite, mailbox, publicKey } = facts(identity);
      await printResult(
        options,
        { file, suite, mailbox, publicKey },
        shown`identity  ${file}\nmailbox   ${mailbox}`,
      );
    });

  program.command("address")
    .summary("print an identity's contact address")
    .description(
      "Prints the contact address at a relay (alone on the first line), the mailbox id and the public key.",
    )
    .argument("[file]", "identity file; that of restante init, if not given")
    .option(
      "--relay <url>",
      "the relay that keeps the mailbox; that of restante init, if not given",
    )
    .option(...PASSPHRASE_OPTION)
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  restante address alice.json --relay https://relay.example",
    )
    .action(
      async (file: string | undefined, options: AddressOptions) => {
        const identity = await readIdentity(await identityOr(file), options);
        const { mailbox, publicKey } = facts(identity);
        const address = addressAt(
          identity.key.publicKey,
          new Relay(await relayOr(options.relay)).url,
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
