/** One worker of a cluster: a relay as a process, with an environment. */
import { ROOT, taskArguments } from "../journeys/process.ts";

/** What a worker's environment says of the relay. */
export type WorkerEnvironment = Readonly<Record<string, string>>;

/** A relay process on a store that others use, too. */
export class Worker implements AsyncDisposable {
  /** Where it listens. */
  readonly url: string;
  /** Whether it was left to run. */
  isRunning = true;
  readonly #child: Deno.ChildProcess;
  readonly #drained: Promise<unknown>;
  readonly #errors: Promise<string>;

  private constructor(
    child: Deno.ChildProcess,
    url: string,
    output: Promise<unknown>,
    errors: Promise<string>,
  ) {
    this.#child = child;
    this.url = url;
    this.#drained = output;
    this.#errors = errors;
  }

  /** Starts one on a free port, and waits until it says that it listens. */
  static async start(environment: WorkerEnvironment): Promise<Worker> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [...taskArguments("start"), "--port", "0"],
      cwd: ROOT,
      env: { NO_COLOR: "1", ...environment },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const errors = child.stderr.text();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let printed = "";
    while (!printed.includes("\n")) {
      const { done, value } = await lines.read();
      if (done) {
        await child.status;
        throw new Error(`the worker did not start: ${await errors}`);
      }
      printed += value;
    }
    const url = /^listening on (http:\S+)\n/.exec(printed)?.[1];
    const rest = (async () => {
      while (!(await lines.read()).done);
    })();
    const worker = new Worker(child, url ?? "", rest, errors);
    if (url !== undefined) return worker;
    await worker.kill();
    throw new Error(`the worker printed "${printed}"`);
  }

  /** Kills it, and gives what it wrote on its standard error. */
  async kill(): Promise<string> {
    if (this.isRunning) this.#child.kill("SIGKILL");
    this.isRunning = false;
    await this.#child.status;
    await this.#drained;
    return await this.#errors;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
