/** The program: what every command has, and arguments that it cannot take. */
import assert from "node:assert/strict";
import type { Command } from "commander";
import { failureDocument } from "../../cli/output.ts";
import { isJsonAsked } from "../../cli/parsing.ts";
import { makeProgram } from "../../cli/program.ts";
import { MAX_HASHES } from "../../client/mod.ts";

/** The help of a command, as `--help` shows it. */
function helpOf(command: Command): string {
  let shown = "";
  command.configureOutput({ writeOut: (text) => shown += text }).outputHelp();
  return shown;
}

Deno.test("every command has --help with an example, and --json", () => {
  const { commands } = makeProgram(false);
  assert.ok(commands.length >= 12);
  for (const command of commands) {
    const name = command.name();
    const help = helpOf(command);
    assert.match(help, /^ {2}--json /m, name);
    assert.match(
      help,
      new RegExp(`^Example:\n {2}.*restante ${name} `, "m"),
      name,
    );
    assert.ok(command.summary() !== "" && command.description() !== "", name);
  }
});

Deno.test("arguments that a command does not take are a usage failure before anything is done", async () => {
  const table: [args: string, detail: RegExp][] = [
    ["nothing", /^unknown command 'nothing'$/],
    ["--nothing", /^unknown option '--nothing'$/],
    ["serve --nothing", /^unknown option/],
    ["init", /^required option '--relay <url>' not specified$/],
    ["init --relay x --bits 1023", /^option '--bits <count>' argument '1023'/],
    ["keygen", /^missing required argument 'file'$/],
    ["keygen x --bits 4097", /not a number of bits from 1024 to 4096\.$/],
    ["keygen x --bits 01536", /not a number of bits/],
    ["keygen x --suite none", /Allowed choices are maxima/],
    ["address a b", /^too many arguments/],
    ["send", /^missing required argument 'to'$/],
    ["send a b c", /^too many arguments/],
    ["send a b --hold 1w", /^option '--hold <time>' argument '1w' is invalid/],
    ["send a b --hold", /^option '--hold <time>' argument missing$/],
    ["send a b --max-hashes 1e6", /^option '--max-hashes <count>' argument/],
    ["read --bandwidth slow", /^option '--bandwidth <bps>' argument 'slow'/],
    ["read --reader", /^option '--reader <name>' argument missing$/],
    ["verify-receipt", /^missing required argument 'jws'$/],
    ["backup", /^missing required argument 'file'$/],
    ["restore", /^missing required argument 'file'$/],
    ["completion", /^missing required argument 'shell'$/],
  ];
  for (const [args, expected] of table) {
    // With JSON it says nothing of its own: that is for who runs it.
    await assert.rejects(
      makeProgram(true).parseAsync(args.split(" "), { from: "user" }),
      (error) => {
        const { code, detail, ...others } = failureDocument(error);
        assert.equal(code, "usage", args);
        assert.match(detail, expected, args);
        assert.deepEqual(others, {});
        return true;
      },
    );
  }
});

Deno.test("options take their values, and have them if they are not given", () => {
  const optionsOf = (name: string, ...args: string[]) => {
    const command = makeProgram(true).commands.find((each) =>
      each.name() === name
    );
    assert.ok(command !== undefined);
    command.parseOptions(args);
    return command.opts();
  };
  assert.equal(optionsOf("send")["hold"], 604_800);
  assert.equal(optionsOf("send")["maxHashes"], MAX_HASHES);
  assert.equal(optionsOf("send")["application"], "restante");
  assert.equal(optionsOf("send", "--hold", "1h")["hold"], 3_600);
  assert.equal(optionsOf("send", "--max-hashes", "7")["maxHashes"], 7);
  assert.equal(optionsOf("keygen", "--bits", "2048")["bits"], 2_048);
  assert.equal(optionsOf("keygen")["bits"], undefined);
  assert.equal(optionsOf("init", "--bits", "1024")["bits"], 1_024);
  assert.equal(optionsOf("read", "--bandwidth", "9600")["bandwidth"], 9_600);
  assert.equal(optionsOf("read", "--ack")["ack"], true);
  assert.equal(optionsOf("read", "--ack", "phone")["ack"], "phone");
  assert.equal(optionsOf("read", "--reader", "phone")["reader"], "phone");
});

Deno.test("failureDocument() says what failed, with what the relay says beside it", () => {
  const table: [thrown: unknown, expected: object][] = [
    [new Error("why"), { code: "internal", detail: "why" }],
    ["text", { code: "internal", detail: "text" }],
    [undefined, { code: "internal", detail: "undefined" }],
    [Object.assign(new Error("why"), { code: "ENOENT" }), {
      code: "ENOENT",
      detail: "why",
    }],
    [Object.assign(new Error("why"), { code: 7 }), {
      code: "internal",
      detail: "why",
    }],
    [
      Object.assign(new Error("why"), {
        code: "busy",
        problem: { code: "other", detail: "else", status: 503 },
      }),
      { code: "busy", detail: "why", status: 503 },
    ],
  ];
  for (const [thrown, expected] of table) {
    assert.deepEqual(failureDocument(thrown), expected);
  }
});

Deno.test("isJsonAsked() looks at options, not at what is behind --", () => {
  const table: [args: string, expected: boolean][] = [
    ["", false],
    ["read", false],
    ["read --json", true],
    ["--json", true],
    ["send a --json -- b", true],
    ["send a -- --json", false],
    ["send a --jsonx", false],
  ];
  for (const [args, expected] of table) {
    assert.equal(isJsonAsked(args.split(" ")), expected, args);
  }
});
