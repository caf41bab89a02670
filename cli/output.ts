/** What the commands print: for people, or one JSON document. */

/** Options that every command has. */
export interface OutputOptions {
  json?: boolean;
}

/** A command was not called as it is to be. */
export class UsageError extends Error {
  readonly code = "usage";
}

/**
 * Prints a line, all of it, or fails: what comes next may rely on its having
 * been read, and a closed pipe is no reader.
 */
export async function print(line: string): Promise<void> {
  let left = new TextEncoder().encode(`${line}\n`);
  while (left.length > 0) left = left.subarray(await Deno.stdout.write(left));
}

/** Prints the result: the document with `--json`, else the text. */
export async function printResult(
  { json }: OutputOptions,
  document: unknown,
  text: string,
): Promise<void> {
  await print(json ? JSON.stringify(document) : text);
}

/** Prints a failure to standard error and gives the exit code. */
export function printFailure(error: unknown, json: boolean): number {
  const { code, detail, problem } = describe(error);
  const document = { ...problem, code, detail };
  const text = `error: ${printable(detail)} (${printable(code)})`;
  console.error(json ? JSON.stringify(document) : text);
  return 1;
}

function describe(
  error: unknown,
): { code: string; detail: string; problem: object } {
  if (!(error instanceof Error)) {
    return { code: "internal", detail: String(error), problem: {} };
  }
  const { code, problem } = error as { code?: unknown; problem?: object };
  return {
    code: typeof code === "string" ? code : "internal",
    detail: error.message,
    problem: problem ?? {},
  };
}

/** What others wrote, without what a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Bidi_Control}/gu, "\ufffd");
}
