/** A real KV Connect server, where there is one to start. */
import { TempDirectory } from "./temp_directory.ts";

/** Ends with the test. */
export class DenoKvServer implements AsyncDisposable {
  readonly url: string;
  readonly #child: Deno.ChildProcess;
  readonly #directory: TempDirectory;

  private constructor(
    url: string,
    child: Deno.ChildProcess,
    directory: TempDirectory,
  ) {
    this.url = url;
    this.#child = child;
    this.#directory = directory;
  }

  /** Whether there is a `denokv` to start: its tests are ignored without one. */
  static async isThere(): Promise<boolean> {
    const command = new Deno.Command(commandOf(), {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    });
    try {
      await command.output();
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** Starts the `denokv` on PATH or in RESTANTE_DENOKV; null without one. */
  static async start(): Promise<DenoKvServer | null> {
    const command = commandOf();
    const directory = await TempDirectory.make();
    const token = crypto.randomUUID();
    const port = freePort();
    let child;
    try {
      child = new Deno.Command(command, {
        args: [
          "--sqlite-path",
          directory.file("denokv.sqlite"),
          "serve",
          "--access-token",
          token,
          "--addr",
          `127.0.0.1:${port}`,
        ],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
    } catch (error) {
      await directory[Symbol.asyncDispose]();
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
    Deno.env.set("DENO_KV_ACCESS_TOKEN", token);
    await listens(port);
    return new DenoKvServer(`http://127.0.0.1:${port}`, child, directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    Deno.env.delete("DENO_KV_ACCESS_TOKEN");
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#directory[Symbol.asyncDispose]();
  }
}

function commandOf(): string {
  return Deno.env.get("RESTANTE_DENOKV") || "denokv";
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Waits until something accepts connections, at most some seconds. */
async function listens(port: number): Promise<void> {
  for (let tries = 0;; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (tries === 500) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
