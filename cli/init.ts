/** `restante init`: an identity and a relay, set up once for all commands. */
import { join } from "node:path";
import type { Command } from "commander";
import {
  addressAt,
  type Identity,
  importIdentity,
  makeIdentity,
  Relay,
  Session,
} from "../client/mod.ts";
import {
  FileExistsError,
  identityFileText,
  readIdentity,
  readInput,
  writeSecret,
} from "./files.ts";
import { parseBits } from "./arguments.ts";
import { homeFolder, recall, remember, rememberedFile } from "./home.ts";
import { BITS_OPTION, DEFAULT_BITS, warnOfKey } from "./key_size.ts";
import { type OutputOptions, printResult, UsageError, warn } from "./output.ts";
import { PASSPHRASE_OPTION, type PassphraseOptions } from "./passphrase.ts";
import { shown } from "./terminal_text.ts";

interface InitOptions extends OutputOptions, PassphraseOptions {
  relay: string;
  identity?: string;
  bits?: number;
  import?: string;
  lock?: boolean;
  force?: boolean;
}

/** Adds the command. */
export function addInit(program: Command): void {
  program.command("init")
    .summary("set up an identity and a relay once")
    .description(
      "Makes an identity (or takes one), opens its mailbox at the relay, and remembers " +
        "both, so that later commands need no flags. An identity that is there is kept.",
    )
    .requiredOption("--relay <url>", "the relay that is to keep the mailbox")
    .option("--identity <file>", "take this identity file, where it is")
    .option(...BITS_OPTION, parseBits)
    .option(
      "--import <key>",
      "make the identity of this PKCS#8 RSA key (a file or -; PEM, DER or hex)",
    )
    .option("--lock", "keep a new identity under a passphrase")
    .option(...PASSPHRASE_OPTION)
    .option(
      "--force",
      "forget what was set up before; no identity is ever overwritten",
    )
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  restante init --relay https://relay.example",
    )
    .action(async (options: InitOptions) => {
      requireOneKey(options);
      if (await isSetUp() && !options.force) {
        throw new UsageError(
          `${rememberedFile()} is there already; --force sets it up anew`,
        );
      }
      const relay = new Relay(options.relay);
      await relay.verifyingKey(); // a relay, before anything is made
      const { identity, file, isNew } = await identityFor(options);
      await new Session(relay, identity).open();
      if (isNew) {
        warnOfKey(options, identity);
        const text = await identityFileText(identity, options);
        await writeSecret(file, text, false);
      }
      try {
        await remember({ relay: relay.url, identity: file });
      } catch (error) {
        if (isNew) await Deno.remove(file);
        throw error;
      }
      const address = addressAt(identity.key.publicKey, relay.url);
      const { mailbox } = identity;
      await printResult(
        options,
        { relay: relay.url, identity: file, mailbox, address },
        shown`${address}\nmailbox   ${mailbox}\nidentity  ${file}\nrelay     ${relay.url}`,
      );
    });
}

/** A key is taken, made from another's file, or new: one of them. */
function requireOneKey(options: InitOptions): void {
  const given = (["identity", "import", "bits"] as const)
    .filter((name) => options[name] !== undefined);
  if (given.length < 2) return;
  throw new UsageError(`give --${given.join(" or --")}, not both`);
}

/** Whether something is remembered, be it damaged. */
async function isSetUp(): Promise<boolean> {
  return await recall().catch(() => true) !== null;
}

interface ChosenIdentity {
  readonly identity: Identity;
  readonly file: string;
  readonly isNew: boolean;
}

async function identityFor(options: InitOptions): Promise<ChosenIdentity> {
  if (options.identity !== undefined) {
    const file = await Deno.realPath(options.identity);
    const identity = await readIdentity(file, options);
    return { identity, file, isNew: false };
  }
  const folder = homeFolder();
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(await Deno.realPath(folder), "identity.json");
  const imported = options.import === undefined
    ? null
    : await importIdentity(await readInput(options.import));
  if (await exists(file)) {
    const identity = await readIdentity(file, options);
    if (imported === null || imported.mailbox === identity.mailbox) {
      if (options.bits !== undefined) {
        warn(
          options,
          `the identity in ${file} is kept: --bits is for new ones`,
        );
      }
      return { identity, file, isNew: false };
    }
    throw new FileExistsError(
      `${file} holds another key, and is not overwritten: move it away first`,
    );
  }
  return {
    identity: imported ?? await makeIdentity(options.bits ?? DEFAULT_BITS),
    file,
    isNew: true,
  };
}

async function exists(file: string): Promise<boolean> {
  return await Deno.stat(file).then(() => true, () => false);
}
