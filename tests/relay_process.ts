/** A relay as a process of its own. */
import assert from "node:assert/strict";
import type { MailboxId } from "../lib/ids.ts";
import { importSigningKey } from "../lib/signing_key.ts";
import { issueToken } from "../lib/token.ts";
import { sharedPkcs8 } from "./routes/shared_keys.ts";

const ROOT = new URL("../", import.meta.url);
const PERMISSIONS = ["net", "env", "read", "write"].map((name) =>
  `--allow-${name}`
);

/** How a process is started. */
export interface ProcessOptions {
  readonly variables?: Readonly<Record<string, string>>;
  /** The most descriptors that it may have. */
  readonly descriptors?: number;
  /** The module that is run. */
  readonly main?: string;
}

/** A relay that listens, and is ended when it goes out of use. */
export class RelayProcess implements AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  readonly errors: Promise<string>;
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;

  private constructor(
    child: Deno.ChildProcess,
    errors: Promise<string>,
    output: ReadableStreamDefaultReader<string>,
    url: string,
  ) {
    this.#child = child;
    this.#output = output;
    this.pid = child.pid;
    this.status = child.status;
    this.errors = errors;
    this.url = url;
  }

  /** Starts one, and waits until it says that it listens. */
  static async start(
    { variables, descriptors = 4_096, main = "main.ts" }: ProcessOptions = {},
  ): Promise<RelayProcess> {
    const { signing, maxima } = await sharedPkcs8();
    const command = ["run", ...PERMISSIONS, main].join(" ");
    const child = new Deno.Command("sh", {
      args: [
        "-c",
        `ulimit -n ${descriptors} && exec "${Deno.execPath()}" ${command}`,
      ],
      cwd: ROOT,
      env: {
        PORT: "0",
        RESTANTE_KV: ":memory:",
        RESTANTE_SIGNING_KEY: signing.toBase64(),
        RESTANTE_MAXIMA_KEY: maxima.toBase64(),
        NO_COLOR: "1",
        ...variables,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const errors = child.stderr.text();
    const output = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    let printed = "";
    while (!printed.includes("\n")) {
      const { done, value } = await output.read();
      if (done) throw new Error(`it ended: ${await errors}`);
      printed += value;
    }
    const [, url = ""] = /^listening on (\S+)\n/.exec(printed) ?? [];
    return new RelayProcess(child, errors, output, url);
  }

  /** A token of this relay for a mailbox. */
  async token(mailbox = "0".repeat(64)): Promise<string> {
    const { signing } = await sharedPkcs8();
    const grant = {
      mailbox: mailbox as MailboxId,
      scopes: ["read", "ack"] as const,
      jkt: null,
    };
    const key = await importSigningKey(signing);
    return (await issueToken(key, grant, Date.now())).token;
  }

  /** Opens a connection, and nothing more. */
  connect(): Promise<Deno.TcpConn> {
    const { hostname, port } = new URL(this.url);
    return Deno.connect({ hostname, port: Number(port) });
  }

  /** Fails unless it still answers. */
  async assertAlive(): Promise<void> {
    const response = await fetch(`${this.url}/health`, {
      signal: AbortSignal.timeout(10_000),
    });
    assert.equal((await response.json()).status, "ok");
  }

  /** How many descriptors it has. */
  descriptors(): number {
    return [...Deno.readDirSync(`/proc/${this.pid}/fd`)].length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await Promise.all([this.status, this.errors, this.#output.cancel()]);
  }
}

/** Sends text, all of it. */
export async function write(
  connection: Deno.Conn,
  text: string,
): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let sent = 0; sent < bytes.length;) {
    sent += await connection.write(bytes.subarray(sent));
  }
}

/** The first bytes of what comes, as text. */
export async function readHead(connection: Deno.Conn): Promise<string> {
  const bytes = new Uint8Array(4_096);
  const length = await connection.read(bytes).catch(() => null);
  return new TextDecoder().decode(bytes.subarray(0, length ?? 0));
}
