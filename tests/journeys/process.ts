/** The real command and the real relay as processes, as a person runs them. */
import configuration from "../../deno.json" with { type: "json" };

/** The repository. */
export const ROOT = new URL("../../", import.meta.url).pathname;

/** What a task of deno.json runs after `deno`, so that its permissions are tried too. */
export function taskArguments(task: "cli" | "start"): string[] {
  return configuration.tasks[task].command.split(" ").slice(1);
}

/** What a command printed, and how it ended. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nothing is set up for the tests, whatever is for who runs them. */
const ENVIRONMENT = {
  NO_COLOR: "1",
  RESTANTE_HOME: "/nonexistent/restante",
  RESTANTE_PASSPHRASE: "",
};

/** Runs `restante` with arguments, and something on its standard input. */
export async function restante(
  args: readonly string[],
  input?: Uint8Array,
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...taskArguments("cli"), ...args],
    cwd: ROOT,
    env: { ...ENVIRONMENT, ...environment },
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(input);
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Runs `restante … --json` and gives its document. */
export async function restanteJson<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await restante([...args, "--json"]);
  if (code !== 0) throw new Error(`restante ${args.join(" ")}: ${stderr}`);
  return JSON.parse(stdout);
}

/** A command that goes on until it is ended, and what it has printed so far. */
export class RunningCommand implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;
  #printed = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#errors = child.stderr.text();
  }

  /** Starts `restante` with arguments. */
  static start(...args: string[]): RunningCommand {
    return new RunningCommand(
      new Deno.Command(Deno.execPath(), {
        args: [...taskArguments("cli"), ...args],
        cwd: ROOT,
        env: ENVIRONMENT,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  }

  /** Waits until it has printed a text; gives all that it has. */
  async until(text: string): Promise<string> {
    while (!this.#printed.includes(text)) {
      const { value, done } = await this.#lines.read();
      if (done) {
        throw new Error(`it ended: ${this.#printed}${await this.#errors}`);
      }
      this.#printed += value;
    }
    return this.#printed;
  }

  /** Waits for its end, which a signal may bring about. */
  async end(signal?: Deno.Signal): Promise<Finished> {
    if (signal !== undefined) this.#child.kill(signal);
    for (;;) {
      const { value, done } = await this.#lines.read();
      if (done) break;
      this.#printed += value;
    }
    const { code } = await this.#child.status;
    return { code, stdout: this.#printed, stderr: await this.#errors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await this.end();
  }
}

/** A relay that runs as a process. */
export class RelayProcess implements AsyncDisposable {
  readonly url: string;
  readonly #child: Deno.ChildProcess;
  #drained: Promise<unknown>;

  private constructor(
    child: Deno.ChildProcess,
    url: string,
    drained: Promise<unknown>,
  ) {
    this.#child = child;
    this.url = url;
    this.#drained = drained;
  }

  /** Starts a relay and waits until it says that it listens. */
  static async start(...args: string[]): Promise<RelayProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [...taskArguments("start"), ...args],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const errors = child.stderr.text();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let printed = "";
    while (!printed.includes("\n")) {
      const { done, value } = await lines.read();
      if (done) throw new Error(`the relay did not start: ${await errors}`);
      printed += value;
    }
    const url = /^listening on (http:\S+)\n/.exec(printed)?.[1];
    if (url === undefined) throw new Error(`the relay printed "${printed}"`);
    const rest = (async () => {
      while (!(await lines.read()).done);
    })();
    return new RelayProcess(child, url, Promise.all([rest, errors]));
  }

  /** Ends it, and gives its exit code once it has ended. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number> {
    this.#child.kill(signal);
    const { code } = await this.#child.status;
    await this.#drained;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL").catch(() => {}); // it may have been ended before
  }
}
