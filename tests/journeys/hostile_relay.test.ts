/** What a hostile relay says reaches nobody's terminal as it is. */
import assert from "node:assert/strict";
import { FakeRelay, problem } from "../client/fake_relay.ts";
import { firstUnwanted, UNWANTED } from "../cli/any_text.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { onTerminal } from "./on_terminal.ts";
import { restante, restanteJson } from "./process.ts";

/** All that a terminal obeys, and the line that would follow. */
const HOSTILE = `no\x1b[2J\r\nreceipt  forged\n${
  [...UNWANTED.values()].flat().map((point) => String.fromCodePoint(point))
    .join("")
}`;

Deno.test("a relay's problems cannot command the terminal, and are exact in --json", async (t) => {
  await using directory = await TempDirectory.make();
  const key = directory.file("me.json");
  const { publicKey = "" } = await restanteJson<Record<string, string>>(
    "keygen",
    key,
  );
  for (const member of ["detail", "title"]) {
    await using relay = new FakeRelay(() =>
      problem(400, { code: "malformed", [member]: HOSTILE, [HOSTILE]: HOSTILE })
    );
    const me = ["--relay", relay.url, "--identity", key];
    const table: Record<string, string[]> = {
      read: me,
      send: [publicKey, "text", ...me],
      init: me,
      "verify-receipt": ["a.b.c", "--relay", relay.url],
    };
    for (const [command, args] of Object.entries(table)) {
      await t.step(`${command}: ${member}`, async () => {
        const { code, stdout, stderr } = await restante([command, ...args]);
        assert.deepEqual([code, stdout], [1, ""]);
        assert.match(
          stderr,
          /^error: no\\u\{1b\}\[2J\\u\{d\}\\u\{a\}receipt {2}forged\\u\{a\}.* \(malformed\)\n$/,
        );
        assert.equal(firstUnwanted(stderr, "\n"), undefined);
        const json = await restante([command, ...args, "--json"]);
        assert.match(json.stderr, /^[\x20-\x7e]+\n$/);
        const said = JSON.parse(json.stderr);
        assert.equal(said.detail, HOSTILE);
        assert.equal(said[HOSTILE], HOSTILE);
      });
    }
    await t.step(`on a terminal: ${member}`, async () => {
      const { shown } = await onTerminal(["read", ...me]);
      // The terminal itself ends lines with both.
      assert.equal(
        firstUnwanted(shown.replaceAll("\r\n", "\n"), "\n"),
        undefined,
      );
    });
  }
});

Deno.test("a relay's endless reason does not fill the terminal", async () => {
  await using relay = new FakeRelay(() =>
    problem(400, { code: "malformed", detail: "x".repeat(50_000) })
  );
  const { code, stderr } = await restante([
    "verify-receipt",
    "a.b.c",
    "--relay",
    relay.url,
  ]);
  assert.equal(code, 1);
  assert.equal(stderr, `error: ${"x".repeat(2_000)} (malformed)\n`);
});

Deno.test("init asks first whether a relay is one, before it makes anything", async () => {
  await using directory = await TempDirectory.make();
  await using relay = new FakeRelay(() => Response.json({ id: "none" }));
  const home = directory.file("home");
  const { code, stderr } = await restante(
    ["init", "--relay", relay.url],
    undefined,
    { RESTANTE_HOME: home },
  );
  assert.equal(code, 1);
  assert.match(stderr, /\(relay-nonsense\)\n$/);
  assert.deepEqual(relay.asked, ["GET /.well-known/restante"]);
  await assert.rejects(Deno.stat(home), Deno.errors.NotFound);
});
