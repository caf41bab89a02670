/** What the commands print: for people, or one JSON document. */
// @ts-types="@types/cli-progress"
import progress from "cli-progress";

/** Options that every command has. */
export interface OutputOptions {
  json?: boolean;
}

/** A command was not called as it is to be. */
export class UsageError extends Error {
  readonly code = "usage";
}

/** Prints the result: the document with `--json`, else the text. */
export function printResult(
  { json }: OutputOptions,
  document: unknown,
  text: string,
): void {
  console.log(json ? JSON.stringify(document) : text);
}

/** Prints a failure to standard error and gives the exit code. */
export function printFailure(error: unknown, json: boolean): number {
  const { code, detail, problem } = describe(error);
  console.error(
    json
      ? JSON.stringify({ ...problem, code, detail })
      : `error: ${detail} (${code})`,
  );
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

/** Progress of a long step. */
export interface Bar {
  /** Units done so far. */
  update(done: number): void;
  done(): void;
}

const SILENT: Bar = { update() {}, done() {} };

/** A bar on standard error; silent in a pipe and with `--json`. */
export function startBar(
  { json }: OutputOptions,
  label: string,
  total: number,
): Bar {
  if (json || !Deno.stderr.isTerminal()) return SILENT;
  const bar = new progress.SingleBar({
    format: `${label.padEnd(7)} {bar} {percentage}% {duration_formatted}`,
    barsize: 30,
    hideCursor: true,
  }, progress.Presets.rect);
  bar.start(total, 0);
  return {
    // Mining may take longer than it does on average: the bar waits at 99 %.
    update: (done) => bar.update(Math.min(done, Math.floor(0.99 * total))),
    done() {
      bar.update(total);
      bar.stop();
    },
  };
}
