/** A real KV Connect server that can be killed and started again. */
import { TempDirectory } from "../kv/temp_directory.ts";
import { within } from "./deadline.ts";

/** Milliseconds that a server may take to accept connections. */
const START = 10_000;

const COMMAND = Deno.env.get("RESTANTE_DENOKV") || "denokv";

/**
 * Whether there is a `denokv` on PATH or in RESTANTE_DENOKV; if not, it says
 * loudly what is not tested for want of it.
 */
export async function hasDenoKv(what: string): Promise<boolean> {
  try {
    await new Deno.Command(COMMAND, { args: ["--help"] }).output();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error(
      `\n*** NOT TESTED: ${what}. It takes denokv, on PATH or in ` +
        "RESTANTE_DENOKV (cargo install denokv --locked). ***\n",
    );
    return false;
  }
}

/** A `denokv` on a file of its own, which outlives its process. */
export class DenoKv implements AsyncDisposable {
  /** What workers prove themselves with. */
  readonly token: string = crypto.randomUUID();
  readonly url: string;
  readonly #address: string;
  readonly #directory: TempDirectory;
  #child: Deno.ChildProcess | null = null;

  private constructor(address: string, directory: TempDirectory) {
    this.#address = address;
    this.url = `http://${address}`;
    this.#directory = directory;
  }

  /** Starts one on a new file. */
  static async start(): Promise<DenoKv> {
    const directory = await TempDirectory.make();
    const server = new DenoKv(`127.0.0.1:${freePort()}`, directory);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts its process, on the same file and port as before. */
  async restart(): Promise<void> {
    this.#child = new Deno.Command(COMMAND, {
      args: [
        "--sqlite-path",
        this.#directory.file("denokv.sqlite"),
        "serve",
        "--access-token",
        this.token,
        "--addr",
        this.#address,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const gone = this.#child.status.then(({ code }) => {
      throw new Error(`denokv ended with ${code}`);
    });
    // Later on, that it ends is nobody's failure.
    gone.catch(() => {});
    await within(
      START,
      "denokv's start",
      Promise.race([listens(this.#address), gone]),
    );
  }

  /** Kills its process. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    child?.kill("SIGKILL");
    await child?.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#directory[Symbol.asyncDispose]();
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Ends once something accepts connections. */
async function listens(address: string): Promise<void> {
  const { hostname, port } = new URL(`http://${address}`);
  const until = performance.now() + START;
  for (;;) {
    try {
      (await Deno.connect({ hostname, port: Number(port) })).close();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
