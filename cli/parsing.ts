/** What the parser of the arguments says, and how it ends. */
import type { Command } from "commander";
import { ownLines } from "./terminal_text.ts";

/** Whether JSON is asked for; behind `--` there are no options. */
export function isJsonAsked(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? undefined : end).includes("--json");
}

/**
 * Lets the parser throw where it would end the process, and repeat no argument
 * to a terminal as it is: names of files are others' words. With JSON it keeps
 * silent about failures, which are printed as documents.
 */
export function speakAs(program: Command, isJson: boolean): Command {
  return program.exitOverride().configureOutput({
    writeOut: (text) => writeSync(Deno.stdout, text),
    writeErr: (text) => {
      if (!isJson) writeSync(Deno.stderr, ownLines(text));
    },
    // It has none, and need not ask the environment for them.
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
}

/** All of it, before the process ends; what nobody reads is no failure. */
function writeSync(
  stream: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  let left = new TextEncoder().encode(text);
  try {
    while (left.length > 0) left = left.subarray(stream.writeSync(left));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
