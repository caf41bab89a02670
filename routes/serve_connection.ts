/**
 * Serving HTTP on one connection, by what `Deno.serve` itself does it by. Deno
 * gives that to its own libraries alone.
 */

/** What becomes of a connection that is served. */
export interface Served {
  /** Ends when HTTP on it has; rejects if it broke. */
  readonly finished: Promise<void>;
  /** Ends it when what is under way has ended. */
  shutdown(): Promise<void>;
  /**
   * Lets go of it: to be called as soon as the connection is an open socket,
   * and not before, or it does not open. Deno ends the sockets of a server that
   * ends, and takes each connection for a server, which ends as soon as HTTP on
   * it does: most sockets were cut off right after they had opened. What was
   * let go of is not to be aborted by its signal any more.
   */
  release(): void;
}

/** Serves one connection until its signal cuts it off. */
export type ServeConnection = (
  connection: Deno.Conn,
  signal: AbortSignal,
  answer: (
    request: Request,
    info: Deno.ServeHandlerInfo,
  ) => Response | Promise<Response>,
  onError: (error: unknown) => Response,
) => Served;

/** What Deno's own libraries call, as far as it is called here. */
interface Internals {
  readonly serveHttpOnConnection?: (
    ...args: [...Parameters<ServeConnection>, onListen: () => void]
  ) => Omit<Served, "release">;
  readonly core?: Partial<Resources>;
}

/** Deno's table of resources: they are numbered in the order they are made. */
interface Resources {
  createCancelHandle(): number;
  tryClose(resource: number): void;
  resources(): Readonly<Record<string, string>>;
}

/** What this Deno serves one connection by; null if it has no such thing. */
export function connectionServer(): ServeConnection | null {
  const deno = Deno as unknown as {
    readonly internal?: symbol;
    readonly [name: symbol]: Internals | undefined;
  };
  const internals = deno.internal && deno[deno.internal];
  const serve = internals?.serveHttpOnConnection;
  const { createCancelHandle, tryClose, resources } = internals?.core ?? {};
  if (!serve || !createCancelHandle || !tryClose || !resources) return null;
  let isNumbered: boolean | null = null;
  return (...args) => {
    const served = serve(...args, () => {});
    // It does not say its number, which is the one before the next.
    const next = createCancelHandle();
    tryClose(next);
    isNumbered ??= resources()[next - 1] === "http";
    const isKnown = isNumbered;
    return {
      finished: served.finished,
      shutdown: () => served.shutdown(),
      release() {
        if (isKnown) tryClose(next - 1);
      },
    };
  };
}
