/** The processes of a bench: servers, and readers that wait. */
import type { Bytes } from "../lib/bytes.ts";
import type { MailboxId } from "../lib/ids.ts";
import type { Posted, Posting } from "./posting.ts";

/** A process that says something at its start, and ends with its input. */
class BenchProcess implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #lines: ReadableStreamDefaultReader<string>;

  constructor(
    script: string,
    args: string[],
    signingKey: Bytes,
  ) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--allow-net",
        "--allow-env",
        "--allow-read",
        "--allow-write",
        "--v8-flags=--expose-gc",
        new URL(script, import.meta.url).href,
        ...args,
      ],
      env: { RESTANTE_SIGNING_KEY: signingKey.toBase64() },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#lines = this.#process.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  /** Its number. */
  get pid(): number {
    return this.#process.pid;
  }

  /** The next line that it prints. */
  async hear(): Promise<string> {
    const { value, done } = await this.#lines.read();
    if (done) throw new Error("a process of the bench has ended");
    return value.trim();
  }

  /** What it answers to a line. */
  async ask(line = ""): Promise<string> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
    return await this.hear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close();
    await this.#lines.cancel();
    await this.#process.status;
  }
}

/** A server in a process of its own. */
export interface Server extends AsyncDisposable {
  /** Such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Its resident bytes, once nothing moves and garbage is gone. */
  memory(): Promise<number>;
  /** Milliseconds that it has computed, workers and all. */
  cpu(): Promise<number>;
  /** Bytes that it has written to disk, where the system says. */
  written(): Promise<number>;
}

/** What is measured is not what keeps strangers from asking for so much. */
const UNBOUNDED = {
  RESTANTE_ADDRESS_RATE: "0",
  RESTANTE_TOKEN_RATE: "0",
  RESTANTE_CONNECTIONS: "15000",
  RESTANTE_STREAMS: "20000",
  RESTANTE_MAILBOX_STREAMS: "20000",
  RESTANTE_TOKEN_STREAMS: "20000",
  RESTANTE_LOG_LEVEL: "warn",
};

/** Starts a relay, or the bare server that stands beside it, on a store. */
export async function startServer(
  kind: "relay" | "bare",
  store: string,
  signingKey: Bytes,
  settings?: Readonly<Record<string, string>>,
): Promise<Server> {
  const given = JSON.stringify({ ...UNBOUNDED, ...settings });
  const child = new BenchProcess(
    "./server_process.ts",
    [kind, store, given],
    signingKey,
  );
  return {
    url: await child.hear(),
    memory: async () => Number(await child.ask()),
    cpu: async () => Number(await child.ask("cpu")),
    written: () => writtenBy(child.pid),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** Deno lets nobody read this who may not do everything; others may. */
async function writtenBy(pid: number): Promise<number> {
  try {
    const args = [`/proc/${pid}/io`];
    const { stdout } = await new Deno.Command("cat", { args }).output();
    const text = new TextDecoder().decode(stdout);
    return Number(/^write_bytes: (\d+)/m.exec(text)?.[1]);
  } catch {
    return NaN;
  }
}

/** A client in a process of its own. */
export interface Poster extends AsyncDisposable {
  /** Posts, and says how that went. */
  post(posting: Posting): Promise<Posted>;
}

/** Starts a client that posts messages out of a file. */
export async function startPoster(file: string): Promise<Poster> {
  const child = new BenchProcess("./poster_process.ts", [file], NO_KEY);
  await child.hear();
  return {
    post: async (posting) =>
      JSON.parse(await child.ask(JSON.stringify(posting))),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

const NO_KEY = new Uint8Array();

/** A network of some length before a server. */
export interface Network extends AsyncDisposable {
  /** By which the server is reached. */
  readonly url: string;
  /** Makes everything late by so many milliseconds, each way. */
  delay(milliseconds: number): Promise<void>;
}

/** Puts a network before the server at a URL. */
export async function startNetwork(url: string): Promise<Network> {
  const child = new BenchProcess("./delay_process.ts", [url], NO_KEY);
  return {
    url: await child.hear(),
    delay: async (milliseconds) => {
      await child.ask(String(milliseconds));
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** How readers are held. */
export interface HeldReaders {
  /** The server's. */
  readonly url: string;
  /** How they read. */
  readonly transport: "events" | "socket";
  readonly count: number;
  /** Whose they all are; each has one of its own and hears nothing, if not said. */
  readonly mailbox?: MailboxId;
  /** The relay's: their tokens are made with it. */
  readonly signingKey: Bytes;
}

/** Readers that are open. */
export interface Readers extends AsyncDisposable {
  /** Ends when all of them together have heard so many messages. */
  hear(messages: number): Promise<void>;
}

/** Opens readers in a process of their own and holds them until disposed of. */
export async function holdReaders(
  { url, transport, count, signingKey, mailbox = "" as MailboxId }: HeldReaders,
): Promise<Readers> {
  const args = [transport, url, String(count), mailbox];
  const child = new BenchProcess("./reader_process.ts", args, signingKey);
  await child.hear();
  return {
    hear: async (messages) => {
      await child.ask(String(messages));
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
