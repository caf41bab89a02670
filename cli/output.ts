/** What the commands print: for people, or one JSON document. */
import { CommanderError } from "commander";
import { asciiJson, ownLines, shown } from "./terminal_text.ts";

/** Options that every command has. */
export interface OutputOptions {
  json?: boolean;
}

/** A command was not called as it is to be. */
export class UsageError extends Error {
  readonly code = "usage";
}

/**
 * Prints a line or several, all of it, or fails: what comes next may rely on its
 * having been read, and a closed pipe is no reader.
 */
export async function print(text: string): Promise<void> {
  let left = new TextEncoder().encode(`${ownLines(text)}\n`);
  while (left.length > 0) left = left.subarray(await Deno.stdout.write(left));
}

/** Prints a JSON document, on one line if it has no indent. */
export async function printJson(
  document: unknown,
  indent?: number,
): Promise<void> {
  await print(asciiJson(document, indent));
}

/** Prints the result: the document with `--json`, else the text. */
export async function printResult(
  { json }: OutputOptions,
  document: unknown,
  text: string,
): Promise<void> {
  await (json ? printJson(document) : print(text));
}

/** Tells people something beside the result. */
export function note(text: string): void {
  console.error(ownLines(text));
}

/** Tells what is not as it should be, though nothing failed. */
export function warn({ json }: OutputOptions, warning: string): void {
  note(json ? asciiJson({ warning }) : shown`warning: ${warning}`);
}

/** Most characters of a failure that are shown to people. */
const MOST_DETAIL = 2_000;

/** Prints a failure to standard error and gives the exit code. */
export function printFailure(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const { code, detail, problem } = describe(error);
  if (json) note(asciiJson({ ...problem, code, detail }));
  // The parser of the arguments has said it to people already.
  else if (!(error instanceof CommanderError)) {
    note(shown`error: ${detail.slice(0, MOST_DETAIL)} (${code})`);
  }
  return 1;
}

function describe(
  error: unknown,
): { code: string; detail: string; problem: object } {
  if (!(error instanceof Error)) {
    return { code: "internal", detail: String(error), problem: {} };
  }
  if (error instanceof CommanderError) {
    const detail = error.message.replace(/^error: /, "");
    return { code: "usage", detail, problem: {} };
  }
  const { code, problem } = error as { code?: unknown; problem?: object };
  return {
    code: typeof code === "string" ? code : "internal",
    detail: error.message,
    problem: problem ?? {},
  };
}

/** A time in Unix milliseconds, by whatever clock; `unknown` if it is none. */
export function timeText(milliseconds: number): string {
  const time = new Date(milliseconds);
  return Number.isNaN(time.getTime()) ? "unknown" : time.toISOString();
}
