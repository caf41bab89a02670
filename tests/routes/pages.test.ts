/** Pages for people, and for the pages of others. */
import assert from "node:assert/strict";
import { PROBLEMS } from "../../lib/problem.ts";
import { assertProblem } from "./assert_problem.ts";
import { TestRelay } from "./relay_fixture.ts";

Deno.test("/problems/<code> is a page for every code there is, and for no other", async (t) => {
  using relay = await TestRelay.open();
  for (const [code, { status, title }] of Object.entries(PROBLEMS)) {
    await t.step(code, async () => {
      const response = await relay.fetch(`/problems/${code}`);
      assert.equal(response.status, 200);
      assert.match(response.headers.get("Content-Type") ?? "", /^text\/html/);
      const page = await response.text();
      for (const part of [code, String(status), title.split("'")[0] ?? ""]) {
        assert.ok(page.includes(part), `the page says ${part}`);
      }
    });
  }
  for (const code of ["no-such-code", "toString", "__proto__", "%3Cb%3E"]) {
    await assertProblem(
      relay,
      await relay.fetch(`/problems/${code}`),
      "not-found",
    );
  }
});

Deno.test("/docs and everything that it loads come from the relay itself", async () => {
  using relay = await TestRelay.open();
  const response = await relay.fetch("/docs");
  assert.equal(response.status, 200);
  assert.match(response.headers.get("Content-Type") ?? "", /^text\/html/);
  const policy = response.headers.get("Content-Security-Policy") ?? "";
  assert.match(policy, /default-src 'none'/);
  const page = await response.text();
  const loaded = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) =>
    String(url)
  );
  assert.ok(loaded.length >= 3);
  for (const path of loaded) {
    assert.match(path, /^\/docs\//);
    const part = await relay.fetch(path);
    assert.equal(part.status, 200, path);
    assert.match(
      part.headers.get("Content-Type") ?? "",
      path.endsWith(".css") ? /^text\/css/ : /^text\/javascript/,
    );
    assert.notEqual((await part.bytes()).length, 0);
  }
  const strangers = ["package.json", "..%2fpackage.json", "constructor"];
  for (const path of strangers.map((name) => `/docs/${name}`)) {
    await assertProblem(relay, await relay.fetch(path), "not-found");
  }
});

Deno.test("a page on another origin may ask for anything, and read what it needs", async () => {
  using relay = await TestRelay.open();
  const preflight = await relay.fetch("/v1/messages", {
    method: "OPTIONS",
    headers: {
      "Origin": "https://web.test",
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "authorization,content-type,dpop",
    },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("Access-Control-Allow-Origin"), "*");
  const methods = preflight.headers.get("Access-Control-Allow-Methods") ?? "";
  for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE"]) {
    assert.ok(methods.includes(method), method);
  }
  const allowed = preflight.headers.get("Access-Control-Allow-Headers") ?? "";
  assert.equal(
    allowed.replaceAll(" ", "").toLowerCase(),
    "authorization,content-type,dpop",
  );

  const { headers } = await relay.fetch("/health", {
    headers: { Origin: "https://web.test" },
  });
  const exposed = headers.get("Access-Control-Expose-Headers") ?? "";
  for (
    const header of [
      "Location",
      "ETag",
      "Retry-After",
      "RateLimit",
      "WWW-Authenticate",
    ]
  ) {
    assert.ok(exposed.includes(header), header);
  }
});

Deno.test("the document and the files of /docs are the same bytes under a tag", async (t) => {
  using relay = await TestRelay.open();
  for (const path of ["/openapi.json", "/docs/swagger-ui.css"]) {
    await t.step(path, async () => {
      const first = await relay.fetch(path);
      const tag = first.headers.get("ETag") ?? "";
      assert.match(tag, /^"[0-9a-f]{32}"$/);
      assert.match(first.headers.get("Cache-Control") ?? "", /max-age=[1-9]/);
      const bytes = await first.bytes();
      assert.deepEqual(await (await relay.fetch(path)).bytes(), bytes);
      const headers = { "If-None-Match": tag };
      const again = await relay.fetch(path, { headers });
      assert.equal(again.status, 304);
      assert.equal((await again.bytes()).length, 0);
    });
  }
});

Deno.test("a file of /docs that could not be read is read the next time, and once for all then", async () => {
  using relay = await TestRelay.open();
  const { readFile } = Deno;
  let reads = 0;
  using _put = {
    [Symbol.dispose]: () => void Object.assign(Deno, { readFile }),
  };
  Object.assign(Deno, {
    async readFile(path: string) {
      reads++;
      if (reads === 1) throw new Error("too many open files");
      return await readFile(path);
    },
  });
  const ask = () => relay.fetch("/docs/swagger-ui.css");
  await assertProblem(relay, await ask(), "internal");
  const answers = await Promise.all([ask(), ask(), ask()]);
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    await answer.body?.cancel();
  }
  assert.equal(reads, 2);
});
