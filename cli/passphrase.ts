/** Passphrases: from the environment, a file, or asked for on the terminal. */
import { ClientError } from "../client/mod.ts";
import { UsageError } from "./output.ts";

/** Options of the commands that read or make identities. */
export interface PassphraseOptions {
  passphraseFile?: string;
}

/** How the option is described. */
export const PASSPHRASE_OPTION = [
  "--passphrase-file <file>",
  "the passphrase of a locked identity is the first line of this file (or RESTANTE_PASSPHRASE; else it is asked for)",
] as const;

/** The passphrase that opens an identity. */
export async function readPassphrase(
  options: PassphraseOptions,
): Promise<string> {
  return await givenPassphrase(options) ?? await askFor("passphrase: ");
}

/** A passphrase for a new lock; on a terminal it is asked for twice. */
export async function newPassphrase(
  options: PassphraseOptions,
): Promise<string> {
  const given = await givenPassphrase(options);
  if (given !== null) return given;
  const first = await askFor("new passphrase: ");
  const second = await askFor("the same again: ");
  if (first === second) return first;
  throw new UsageError("the passphrases are not the same");
}

async function givenPassphrase(
  { passphraseFile }: PassphraseOptions,
): Promise<string | null> {
  if (passphraseFile !== undefined) {
    const text = await Deno.readTextFile(passphraseFile);
    return text.split(/\r?\n/)[0] ?? "";
  }
  return Deno.env.get("RESTANTE_PASSPHRASE") || null;
}

const ENTER = [0x0a, 0x0d];
const ERASE = [0x08, 0x7f];
const INTERRUPT = 0x03;
const END = 0x04;

/** Asks on the terminal and shows nothing of the answer. */
async function askFor(question: string): Promise<string> {
  if (!Deno.stdin.isTerminal()) {
    throw new ClientError(
      "identity-locked",
      "the identity is locked, and there is no terminal to ask for its passphrase",
    );
  }
  const utf8 = new TextEncoder();
  // What is typed once the question is seen must not be shown.
  Deno.stdin.setRaw(true);
  try {
    await Deno.stderr.write(utf8.encode(question));
    return await readHidden();
  } finally {
    Deno.stdin.setRaw(false);
    await Deno.stderr.write(utf8.encode("\n"));
  }
}

async function readHidden(): Promise<string> {
  let typed: number[] = [];
  const buffer = new Uint8Array(1);
  for (;;) {
    const length = await Deno.stdin.read(buffer);
    const [byte = END] = length === null ? [] : buffer;
    if (ENTER.includes(byte)) {
      return new TextDecoder().decode(new Uint8Array(typed));
    }
    if (byte === INTERRUPT || byte === END) {
      throw new UsageError("no passphrase was given");
    }
    if (ERASE.includes(byte)) typed = withoutLast(typed);
    else typed.push(byte);
  }
}

/** Without the last character, whose bytes behind the first are 10xxxxxx. */
function withoutLast(bytes: readonly number[]): number[] {
  let end = bytes.length - 1;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.slice(0, Math.max(end, 0));
}
