/** The tasks of deno.json: they run, under permissions that name what they need. */
import assert from "node:assert/strict";
import configuration from "../../deno.json" with { type: "json" };
import { TempDirectory } from "../kv/temp_directory.ts";
import { ROOT } from "./process.ts";

/** Tasks of tests, which may do what they like. */
const FREE = ["test", "crash", "fuzz"];

const TASKS = Object.entries(configuration.tasks).filter(([name]) =>
  !FREE.includes(name)
);

/** Runs a task as a person does. */
function task(...args: string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", ...args],
    cwd: ROOT,
    env: {
      NO_COLOR: "1",
      RESTANTE_HOME: "/nonexistent/restante",
      RESTANTE_PASSPHRASE: "",
      RESTANTE_URL: "",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

Deno.test("tasks name the environment that they read, ask for nothing more, and only those that start processes may", () => {
  const running: string[] = [];
  for (const [name, { command }] of TASKS) {
    const runs = command.split(" && ").filter((part) =>
      part.startsWith("deno run ")
    );
    assert.ok(runs.length > 0, name);
    for (const run of runs) {
      const words = run.split(" ");
      assert.ok(words.includes("--no-prompt"), `${name} asks nobody`);
      for (
        const word of [
          "-A",
          "--allow-all",
          "--allow-env",
          "--allow-sys",
          "--allow-ffi",
        ]
      ) {
        assert.ok(!words.includes(word), `${name}: ${word}`);
      }
      if (words.includes("--allow-run")) running.push(name);
    }
  }
  // The runtime is elsewhere on every machine: it cannot be named.
  assert.deepEqual(running.toSorted(), [
    "bench",
    "check",
    "cli",
    "npm",
    "surface",
  ]);
});

Deno.test("deno task start and deno task cli keygen do their work under their permissions", async () => {
  await using directory = await TempDirectory.make();
  const file = (name: string) => directory.file(name);
  const child = task("start", "--port", "0", "--kv", file("store.kv")).spawn();
  const errors = child.stderr.text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await lines.read();
  const url = /^listening on (http:\S+)\n$/.exec(value)?.[1] ?? "";
  const text = new TextDecoder();
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await task("cli", ...args).output();
    assert.equal(code, 0, text.decode(stderr));
    return text.decode(stdout);
  };
  try {
    assert.notEqual(url, "", value);
    await run("keygen", file("me.json"));
    const me = ["--relay", url, "--identity", file("me.json")];
    await run("read", ...me);
    const address = await run("address", file("me.json"), "--relay", url);
    await run("send", address.split("\n")[0] ?? "", "hello", ...me.slice(2));
    assert.match(await run("read", ...me), /\n\| hello\n/);
    assert.match(await (await fetch(`${url}/docs`)).text(), /swagger/);
  } finally {
    // The task's shell passes it on.
    child.kill("SIGTERM");
    await child.status;
    while (!(await lines.read()).done);
    assert.doesNotMatch(await errors, /NotCapable|Requires \w+ access/);
  }
});
