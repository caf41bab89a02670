/** A log of events: a line each, for machines as JSON or for people as text. */
import {
  asciiJson,
  codeOf,
  type Fields,
  plainError,
  plainValue,
} from "./log_form.ts";
import { Repeats } from "./repeats.ts";

/** How much an event matters, the least first. */
export const LEVELS = ["debug", "info", "warn", "error"] as const;

/** One of {@link LEVELS}. */
export type Level = typeof LEVELS[number];

/** How lines are written. */
export const LOG_FORMATS = ["json", "text"] as const;

/** One of {@link LOG_FORMATS}. */
export type LogFormat = typeof LOG_FORMATS[number];

/**
 * Takes events. Their names are few and fixed, in words with hyphens. What
 * stands in the fields is made discreet: ids and keys are shortened, and nobody
 * is to put a client's address there. An `error` gives the line its `code`, and
 * its stack if that is `internal`.
 */
export interface Log {
  /** What helps to find a fault. */
  debug(event: string, fields?: Fields): void;
  /** What an operator may want to know. */
  info(event: string, fields?: Fields): void;
  /** What should not be, and passes; the same once a minute. */
  warn(event: string, fields?: Fields): void;
  /** What somebody has to look at; the same once a minute. */
  error(event: string, fields?: Fields): void;
  /** The same log, with fields that stand in every line. */
  with(fields: Fields): Log;
}

/** Where lines go and which. */
export interface LogOptions {
  /** Takes a line, without its end. */
  readonly write: (line: string) => void;
  /** How lines are written. */
  readonly format: LogFormat;
  /** The least that is written. */
  readonly level: Level;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Milliseconds in which a warning or error is written once. */
const REPEATED_EVERY = 60_000;

/** A log that writes. */
export class LineLog implements Log {
  readonly #options: LogOptions;
  readonly #fields: Fields;
  readonly #repeats: Repeats;

  /** Use it with options alone; the others are for {@link LineLog.with}. */
  constructor(
    options: LogOptions,
    fields: Fields = {},
    repeats: Repeats = new Repeats(REPEATED_EVERY),
  ) {
    this.#options = options;
    this.#fields = fields;
    this.#repeats = repeats;
  }

  /** What helps to find a fault. */
  debug(event: string, fields: Fields = {}): void {
    this.#log("debug", event, fields);
  }

  /** What an operator may want to know. */
  info(event: string, fields: Fields = {}): void {
    this.#log("info", event, fields);
  }

  /** What should not be, and passes. */
  warn(event: string, fields: Fields = {}): void {
    this.#log("warn", event, fields);
  }

  /** What somebody has to look at. */
  error(event: string, fields: Fields = {}): void {
    this.#log("error", event, fields);
  }

  /** The same log, with fields that stand in every line. */
  with(fields: Fields): LineLog {
    const all = { ...this.#fields, ...fields };
    return new LineLog(this.#options, all, this.#repeats);
  }

  /** Writes how often what was kept back happened: nothing comes after it. */
  close(): void {
    for (const [name, repeated] of this.#repeats.take()) {
      const [level, event, code] = JSON.parse(name);
      this.#write(level, event, { ...(code && { code }), repeated });
    }
  }

  #log(level: Level, event: string, fields: Fields): void {
    const { level: least, now } = this.#options;
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    const { error } = fields;
    const code = fields["code"] ?? (error === undefined ? null : codeOf(error));
    const line = {
      ...this.#fields,
      ...(code !== null && { code }),
      ...fields,
    };
    if (level === "debug" || level === "info") {
      return this.#write(level, event, line);
    }
    const name = [level, event, code, placeOf(error, code)];
    const repeated = this.#repeats.note(JSON.stringify(name), now());
    if (repeated === null) return;
    this.#write(level, event, { ...line, ...(repeated > 0 && { repeated }) });
  }

  #write(level: Level, event: string, fields: Fields): void {
    const { format, now, write } = this.#options;
    const time = new Date(now()).toISOString();
    const plain = plainFields(fields);
    write(
      format === "json"
        ? asciiJson({ time, level, event, ...plain })
        : textLine({ time, level, event }, plain),
    );
  }
}

/** Fields as they are written: none takes the place of what every line has. */
function plainFields(fields: Fields): Fields {
  const { time: _, level: __, event: ___, requestId, error, ...others } =
    fields;
  return {
    // What a caller calls its request is looked for as it is.
    ...(requestId !== undefined && { requestId: String(requestId) }),
    ...plainValue(others) as Fields,
    ...(error !== undefined && {
      error: error instanceof Error
        ? plainError(error, fields["code"] === "internal")
        : plainValue(error),
    }),
  };
}

/** Where an unexpected error arose: two faults are not one that repeats. */
function placeOf(error: unknown, code: unknown): string | null {
  if (code !== "internal" || !(error instanceof Error)) return null;
  return /^\s*at .*$/m.exec(error.stack ?? "")?.[0].trim() ?? null;
}

/** A line for people: `name=value`, and the lines of a stack below it. */
function textLine(
  { time, level, event }: { time: string; level: Level; event: string },
  { error, ...fields }: Fields,
): string {
  const hasMembers = typeof error === "object" && error !== null;
  const { stack, ...failure } = (hasMembers ? error : {}) as Fields;
  const all = { ...fields, error: hasMembers ? failure : error };
  const texts = Object.entries(all).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${textOf(name)}=${textOf(value)}`);
  const lines = String(stack ?? "").split("\n").slice(1)
    .map((line) => `\n    ${asciiJson(line.trim()).slice(1, -1)}`);
  return `${[time, level.padEnd(5), event, ...texts].join(" ")}${
    lines.join("")
  }`;
}

/** A word as it is, anything else as JSON. */
function textOf(value: unknown): string {
  const isWord = typeof value === "string" && /^[\w./:@-]+$/.test(value);
  return isWord ? value : asciiJson(value);
}

/** A log that takes everything and writes nothing. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLog,
};
