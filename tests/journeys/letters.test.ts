/** Letters whose texts attack who reads them, by the command and a relay. */
import assert from "node:assert/strict";
import { firstUnwanted, UNWANTED } from "../cli/any_text.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { onTerminal } from "./on_terminal.ts";
import { RelayProcess, restante, restanteJson } from "./process.ts";

interface Received {
  readonly id: string;
  readonly application: string;
  readonly text: string | null;
}

/** Headers as `read` prints them, after everything that ends a line somewhere. */
const FORGED = ["\n", "\r", "\r\n", "\v", "\f", "\u0085", "\u2028", "\u2029"]
  .map((end) => `${end}--- 0-0${end}from FORGED${end}for  mail${end}${end}pay`)
  .join("");

/** Everything unwanted that UTF-8 can carry. */
const COMMANDING = [...UNWANTED.values()].flat()
  .map((point) => String.fromCodePoint(point))
  .filter((character) => character.isWellFormed())
  .join("x");

Deno.test("letters cannot forge headers, command the terminal or change in --json", async (t) => {
  await using directory = await TempDirectory.make();
  const file = (name: string) => directory.file(name);
  await using relay = await RelayProcess.start(
    "--port",
    "0",
    "--kv",
    file("store.kv"),
  );
  const identity = ["--identity", file("me.json")];
  const me = ["--relay", relay.url, ...identity];
  await restanteJson("keygen", file("me.json"));
  await restanteJson("read", ...me);
  const { address } = await restanteJson<{ address: string }>(
    "address",
    file("me.json"),
    "--relay",
    relay.url,
  );
  const texts = [
    `dear${FORGED}`,
    COMMANDING,
    `\ufeff${"x".repeat(33)}from FORGED`,
    "y".repeat(200),
    `${" ".repeat(38)}from FORGED${"\t".repeat(4)}from FORGED`,
  ];
  for (const text of texts) {
    await Deno.writeTextFile(file("text"), text);
    await restanteJson(
      "send",
      address,
      "--file",
      file("text"),
      "--application",
      `a\u202eb${FORGED}`,
      ...identity,
    );
  }
  const { messages } = await restanteJson<{ messages: Received[] }>(
    "read",
    ...me,
  );

  await t.step("a letter's text cannot forge the next header", async () => {
    const { code, stdout, stderr } = await restante(["read", ...me]);
    assert.equal(code, 0, stderr);
    assert.equal(firstUnwanted(stdout, "\n\t"), undefined);
    const lines = stdout.split("\n");
    const starting = (start: string) =>
      lines.filter((line) => line.startsWith(start));
    for (const head of ["--- ", "from ", "time ", "for  "]) {
      assert.equal(starting(head).length, texts.length, head);
    }
    assert.ok(
      starting("from ").every((line) => /^from 30[0-9a-f]+$/.test(line)),
    );
    assert.ok(starting("| from FORGED").length >= 8);
    assert.equal(starting("| dear").length, 1);
    // A pipe has no rows that end.
    assert.ok(lines.includes(`| ${"y".repeat(200)}`));
  });

  await t.step("nor by filling the row of a terminal before it", async () => {
    const { code, shown } = await onTerminal(["read", ...me], { columns: 40 });
    assert.equal(code, 0, shown);
    const rows = shown.replaceAll("\r\n", "\n").split("\n");
    const forging = rows.filter((row) => row.includes("FORGED"));
    assert.ok(forging.length > texts.length);
    for (const row of forging) {
      assert.match(row, /^(\| | {5}|for {2})/);
      const columns = row.replaceAll("\t", " ".repeat(8)).length;
      assert.ok(columns <= 40, row);
    }
  });

  await t.step(
    "nor where the terminal does not say how wide it is",
    async () => {
      const { shown } = await onTerminal(["read", ...me], { columns: 0 });
      const rows = shown.split("\r\n");
      assert.ok(rows.includes(`| ${"y".repeat(78)}`), shown);
    },
  );

  await t.step(
    "--json is printable and gives exactly what was sent",
    async () => {
      const { stdout } = await restante(["read", ...me, "--json"]);
      assert.match(stdout, /^[\x20-\x7e]+\n$/);
      assert.deepEqual(messages.map(({ text }) => text), texts);
      for (const { application } of messages) {
        assert.equal(application, `a\u202eb${FORGED}`);
      }
    },
  );

  await t.step("file names cannot command the terminal", async () => {
    const name = file("x\x1b[31m\nfrom FORGED\u202e");
    const made = await restante(["keygen", name]);
    assert.equal(made.code, 0, made.stderr);
    const again = await restante(["keygen", name]);
    assert.equal(again.code, 1);
    const unit = file("u\x1b[2J\n---");
    await Deno.writeTextFile(unit, "00");
    const seen = await restante(["inspect", unit, unit]);
    const parsed = await restante(["inspect", "--\x1b[2J\u202e"]);
    for (const { stdout, stderr } of [made, again, seen, parsed]) {
      assert.equal(firstUnwanted(stdout + stderr, "\n"), undefined);
      assert.doesNotMatch(stdout + stderr, /^(from|---)/m);
    }
    assert.match(
      made.stdout,
      /x\\u\{1b\}\[31m\\u\{a\}from FORGED\\u\{202e\}\n/,
    );
    assert.match(parsed.stderr, /^error: unknown option '--\\u\{1b\}\[2J/);
  });
});
