/** The relay's log: lines on standard error. */
import { type Level, LineLog, type LogFormat } from "../lib/log.ts";

/** How the log is kept. */
export interface RelayLogOptions {
  /** As text where standard error is a terminal and as JSON elsewhere, if null. */
  readonly format: LogFormat | null;
  /** The least that is written. */
  readonly level: Level;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Opens the log of a process. */
export function openRelayLog(
  { format, level, now }: RelayLogOptions,
): LineLog {
  return new LineLog({
    write: writeToStandardError,
    format: format ?? formatFor(Deno.stderr.isTerminal()),
    level,
    now,
  });
}

/** People look at terminals. */
export function formatFor(isTerminal: boolean): LogFormat {
  return isTerminal ? "text" : "json";
}

const utf8 = new TextEncoder();

function writeToStandardError(line: string): void {
  let left = utf8.encode(`${line}\n`);
  try {
    while (left.length > 0) left = left.subarray(Deno.stderr.writeSync(left));
  } catch {
    // Nobody reads any more: a relay goes on without its log.
  }
}
