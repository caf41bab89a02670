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

/** A failure, as it is printed with `--json`. */
export interface FailureDocument {
  /** Stable; of the relay's problem, if it refused. */
  readonly code: string;
  /** One sentence. */
  readonly detail: string;
  /** The other members of the relay's problem. */
  readonly [member: string]: unknown;
}

/** What failed, and why. */
export function failureDocument(error: unknown): FailureDocument {
  if (!(error instanceof Error)) {
    return { code: "internal", detail: String(error) };
  }
  const detail = error.message;
  if (error instanceof CommanderError) {
    return { code: "usage", detail: detail.replace(/^error: /, "") };
  }
  const { code, problem } = error as { code?: unknown; problem?: object };
  return {
    ...problem,
    code: typeof code === "string" ? code : "internal",
    detail,
  };
}

/** Prints a failure to standard error and gives the exit code. */
export function printFailure(error: unknown, isJson: boolean): number {
  const isParsing = error instanceof CommanderError;
  if (isParsing && error.exitCode === 0) return 0; // help was asked for
  const document = failureDocument(error);
  if (isJson) note(asciiJson(document));
  // The parser of the arguments has said it to people already.
  else if (!isParsing) {
    const { code, detail } = document;
    note(shown`error: ${detail.slice(0, MOST_DETAIL)} (${code})`);
  }
  return 1;
}

/** A time in Unix milliseconds, by whatever clock; `unknown` if it is none. */
export function timeText(milliseconds: number): string {
  const time = new Date(milliseconds);
  return Number.isNaN(time.getTime()) ? "unknown" : time.toISOString();
}
