/** Pages for people: the API's documentation and what each problem means. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { html } from "hono/html";
import swaggerUi from "swagger-ui-dist/absolute-path.js";
import type { Bytes } from "../lib/bytes.ts";
import { sha3_256 } from "../lib/hash.ts";
import { isProblemCode, Problem, PROBLEMS } from "../lib/problem.ts";
import type { Backlog } from "../relay/backlog.ts";
import { callerHas } from "./etag.ts";
import { answerBytes } from "./parts.ts";

/** Everything a page uses comes from the relay itself. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Files of the documentation page, by their path below `/docs/`. */
const DOCS_FILES: ReadonlyMap<string, string> = new Map([
  ["swagger-ui-bundle.js", "text/javascript"],
  ["swagger-ui.css", "text/css"],
]);

/** Starts the page; its own file, so that no script stands in the HTML. */
const START_SCRIPT =
  `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true });`;

/** A file as it is sent. */
interface DocsFile {
  readonly bytes: Bytes;
  readonly tag: string;
}

async function readDocsFile(file: string): Promise<DocsFile> {
  const bytes = await Deno.readFile(`${swaggerUi()}/${file}`);
  return { bytes, tag: `"${sha3_256(bytes).toHex().slice(0, 32)}"` };
}

/** Adds `/docs` and `/problems/<code>`. */
export function addPages(app: OpenAPIHono, backlog: Backlog): void {
  app.get("/docs", (c) => {
    c.header("Content-Security-Policy", CONTENT_SECURITY_POLICY);
    return c.html(html`
      <!DOCTYPE html>
      <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>restante: the HTTP API</title>
        <link rel="stylesheet" href="/docs/swagger-ui.css">
        <div id="docs"></div>
        <script src="/docs/swagger-ui-bundle.js"></script>
        <script src="/docs/start.js"></script>
      </html>
    `);
  });
  app.get(
    "/docs/start.js",
    (c) => c.body(START_SCRIPT, 200, { "Content-Type": "text/javascript" }),
  );
  // Read once, when they are first asked for: they are large, and asked by all.
  const files = new Map<string, Promise<DocsFile>>();
  const load = (file: string) => {
    const loading = files.get(file) ?? readDocsFile(file);
    files.set(file, loading);
    loading.catch(() => files.delete(file));
    return loading;
  };
  app.get("/docs/:file", async (c) => {
    const file = c.req.param("file");
    const type = DOCS_FILES.get(file);
    if (type === undefined) return c.notFound();
    const { bytes, tag } = await load(file);
    // Not by c.header(): a refusal would have them as well, and be kept.
    const headers = { "ETag": tag, "Cache-Control": "public, max-age=86400" };
    if (callerHas(c, tag)) return c.body(null, 304, headers);
    return answerBytes(c, backlog, bytes, {
      headers: { ...headers, "Content-Type": type },
      isShared: true,
    });
  });
  app.get("/problems/:code", (c) => {
    const code = c.req.param("code");
    if (!isProblemCode(code)) {
      throw new Problem("not-found", `there is no problem of the code ${code}`);
    }
    const { status, title, what, remedy } = PROBLEMS[code];
    c.header("Content-Security-Policy", CONTENT_SECURITY_POLICY);
    return c.html(html`
      <!DOCTYPE html>
      <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>${code}</title>
        <style>body { max-width: 40em; margin: 3em auto; padding: 0 1em; font: 1.1em/1.5 system-ui }</style>
        <h1>${title}</h1>
        <p><code>${code}</code>, HTTP status ${status}</p>
        <h2>What happened</h2>
        <p>${what}</p>
        <h2>What to do</h2>
        <p>${remedy}</p>
        <p><a href="/docs">The HTTP API</a></p>
      </html>
    `);
  });
}
