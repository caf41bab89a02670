/** How every command ends: exit codes, and failures that say why. */
import assert from "node:assert/strict";
import { makeProgram } from "../../cli/program.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { restante } from "./process.ts";

/** A relay that nobody runs. */
const NOWHERE = "http://127.0.0.1:1";

Deno.test("a failure of any command is exit code 1, and with --json one JSON document on standard error", async () => {
  await using directory = await TempDirectory.make();
  const file = (name: string) => directory.file(name);
  await Deno.writeTextFile(file("damaged"), "nothing");
  const table: Record<string, [args: string[], code: string]> = {
    serve: [["--port", "65536"], "config-invalid"],
    init: [["--relay", "nowhere"], "address-invalid"],
    keygen: [[file("damaged")], "file-exists"],
    address: [["--relay", NOWHERE], "usage"],
    send: [["Mx0", "text"], "address-invalid"],
    read: [
      ["--relay", NOWHERE, "--identity", file("damaged")],
      "identity-invalid",
    ],
    inspect: [[file("nothing")], "ENOENT"],
    "verify-receipt": [["a.b.c"], "usage"],
    backup: [["--kv", file("no.kv"), file("backup")], "store-missing"],
    "new-epoch": [["--kv", file("no.kv")], "store-missing"],
    restore: [["--kv", file("new.kv"), file("nothing")], "ENOENT"],
    admin: [["mailboxes", "--kv", file("no.kv")], "store-missing"],
    bench: [["nothing"], "usage"],
    completion: [["cmd"], "usage"],
  };
  const commands = makeProgram(true).commands.map((command) => command.name());
  assert.deepEqual(
    commands.filter((command) => !(command in table)),
    [],
    "each is tried",
  );
  const cases: [command: string, [args: string[], code: string]][] = [
    ...Object.entries(table),
    ["send", [["--nothing"], "usage"]], // the parser's own failures too
    ["nothing", [[], "usage"]],
  ];
  for (const [command, [args, expected]] of cases) {
    const finished = await restante([command, ...args, "--json"]);
    assert.deepEqual([finished.code, finished.stdout], [1, ""], command);
    assert.match(finished.stderr, /^[\x20-\x7e]+\n$/, command);
    const { code, detail } = JSON.parse(finished.stderr);
    assert.equal(code, expected, command);
    assert.ok(detail.length > 0 && !detail.startsWith("error:"), detail);
  }
});

Deno.test("what cannot be done together is a usage failure, and leaves nothing behind", async () => {
  await using directory = await TempDirectory.make();
  const file = (name: string) => directory.file(name);
  const table: [args: string[], stderr: RegExp][] = [
    [
      ["keygen", "--bits", "2048", "--import", "x", file("new")],
      /^error: give --bits or --import, not both \(usage\)\n$/,
    ],
    [
      ["init", "--relay", NOWHERE, "--bits", "2048", "--import", "x"],
      /^error: give --import or --bits, not both \(usage\)\n$/,
    ],
    [
      ["init", "--relay", NOWHERE, "--import", "x", "--identity", "y"],
      /^error: give --identity or --import, not both \(usage\)\n$/,
    ],
    [
      ["read", "--reader", "phone", "--ack", "laptop"],
      /^error: one device reads: --reader phone, or --ack laptop \(usage\)\n$/,
    ],
  ];
  for (const [args, expected] of table) {
    const { code, stdout, stderr } = await restante(args, undefined, {
      RESTANTE_HOME: file("home"),
    });
    assert.match(stderr, expected);
    assert.deepEqual([code, stdout], [1, ""]);
  }
  assert.deepEqual(await Array.fromAsync(Deno.readDir(directory.path)), []);
});

Deno.test("help and version are no failures, and are there to the last line", async () => {
  const table: [args: string[], stdout: RegExp][] = [
    [["--help"], /^Usage: restante [^]*then standard error says why\.\n$/],
    [["help", "send"], /^Usage: restante send [^]*alice\.json\n$/],
    [["send", "--help", "--json"], /^Usage: restante send /],
    [["--version"], /^\d+\.\d+\.\d+\n$/],
  ];
  for (const [args, stdout] of table) {
    const finished = await restante(args);
    assert.match(finished.stdout, stdout, args.join(" "));
    assert.deepEqual([finished.code, finished.stderr], [0, ""], args.join(" "));
  }
});

Deno.test("what cannot be parsed is said once, with the way to help", async () => {
  const table: [args: string[], stderr: RegExp][] = [
    [[], /^Usage: restante /],
    [
      ["send", "--nothing"],
      /^error: unknown option '--nothing'\n\(--help says more\)\n$/,
    ],
    // Behind -- there are no options, and so no JSON.
    [["send", "Mx0", "--", "--json"], /^error: not an address: .*invalid\)\n$/],
  ];
  for (const [args, expected] of table) {
    const { code, stdout, stderr } = await restante(args);
    assert.match(stderr, expected);
    assert.deepEqual([code, stdout], [1, ""]);
  }
});
