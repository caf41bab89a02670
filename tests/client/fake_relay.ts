/** A server that answers as it is told to, and a port where none is. */
type Answer = (request: Request) => Response | Promise<Response>;

/** Listens on this machine until it goes out of use. */
export class FakeRelay implements AsyncDisposable {
  readonly url: string;
  /** What was asked: method and path, in order. */
  readonly asked: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: Answer) {
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => {
        const { pathname, search } = new URL(request.url);
        this.asked.push(`${request.method} ${pathname}${search}`);
        return answer(request);
      },
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** The URL of a port that was free a moment ago. */
export function closedUrl(): string {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return `http://127.0.0.1:${listener.addr.port}`;
}

/** A problem document as a relay answers it. */
export function problem(
  status: number,
  document: Record<string, unknown>,
): Response {
  return new Response(JSON.stringify(document), {
    status,
    headers: { "Content-Type": "application/problem+json" },
  });
}
