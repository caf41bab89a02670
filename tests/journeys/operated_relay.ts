/** A relay that runs as a process, with its environment and its log. */
import { ROOT, taskArguments } from "./process.ts";

/** A line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & {
  readonly level: string;
  readonly event: string;
};

/** A relay whose standard error is kept. */
export class OperatedRelay implements AsyncDisposable {
  /** The origin by which this machine reaches it. */
  readonly url: string;
  readonly #child: Deno.ChildProcess;
  readonly #stderr: Promise<string>;
  readonly #rest: Promise<void>;
  #ended: Promise<number> | null = null;

  private constructor(
    child: Deno.ChildProcess,
    url: string,
    stderr: Promise<string>,
    rest: Promise<void>,
  ) {
    this.#child = child;
    this.url = url;
    this.#stderr = stderr;
    this.#rest = rest;
  }

  /** Starts a relay and waits until it says that it listens. */
  static async start(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<OperatedRelay> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [...taskArguments("start"), "--port", "0", ...args],
      cwd: ROOT,
      env: { NO_COLOR: "1", ...environment },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const stderr = child.stderr.text();
    const output = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    let printed = "";
    while (!printed.includes("\n")) {
      const { done, value } = await output.read();
      if (done) throw new Error(`the relay did not start: ${await stderr}`);
      printed += value;
    }
    const url = /^listening on (http:\S+)\n/.exec(printed)?.[1];
    if (url === undefined) throw new Error(`the relay printed "${printed}"`);
    const rest = (async () => {
      while (!(await output.read()).done);
    })();
    return new OperatedRelay(child, url, stderr, rest);
  }

  /** Tells it to stop, and gives all that it wrote to standard error. */
  async stop(): Promise<{ code: number; log: string }> {
    const code = await this.#end("SIGTERM");
    return { code, log: await this.#stderr };
  }

  #end(signal: Deno.Signal): Promise<number> {
    this.#ended ??= (async () => {
      this.#child.kill(signal);
      const { code } = await this.#child.status;
      await this.#rest;
      await this.#stderr;
      return code;
    })();
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end("SIGKILL");
  }
}

/** What Deno itself says once of a server, whatever the relay does. */
const OF_DENO = /^Deno\.serve: /;

/** The lines of a log in JSON. @throws {SyntaxError} if one is not */
export function linesOf(log: string): LogLine[] {
  return log.split("\n").slice(0, -1).filter((line) => !OF_DENO.test(line))
    .map((line) => JSON.parse(line));
}
