/** The command on a terminal and in a pipe: bars, hostile text, saved mail. */
import assert from "node:assert/strict";
import { onTerminal } from "./on_terminal.ts";
import {
  RelayProcess,
  restante,
  restanteJson,
  ROOT,
  RunningCommand,
  taskArguments,
} from "./process.ts";

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

/** Runs a shell line in which `restante` is the command. */
async function shell(line: string): Promise<string> {
  const command = [Deno.execPath(), ...taskArguments("cli")].join(" ");
  const { stdout } = await new Deno.Command("bash", {
    args: ["-c", `restante() { ${command} "$@"; }\n${line}`],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}

const count = (text: string, part: string) => text.split(part).length - 1;

Deno.test("the command treats terminals, pipes and files with care", async (t) => {
  const folder = await Deno.makeTempDir();
  const file = (name: string) => `${folder}/${name}`;
  let relay = await RelayProcess.start(
    "--port",
    "0",
    "--kv",
    file("store.kv"),
  );
  const identity = ["--identity", file("me.json")];
  const me = ["--relay", relay.url, ...identity];
  try {
    await restante(["keygen", file("me.json")]);
    await restante(["read", ...me]);
    const { address } = await restanteJson<{ address: string }>(
      "address",
      file("me.json"),
      "--relay",
      relay.url,
    );

    await t.step("a backup, with its private keys, is not shown", async () => {
      const { code, shown } = await onTerminal(
        ["backup", "--kv", file("store.kv"), "-"],
      );
      assert.equal(code, 1);
      assert.match(
        shown,
        /^error: private keys are not for a terminal: .*\r?\n$/,
      );
    });
    await t.step(
      "bars for mining and sending are shown on a terminal, and the cursor is given back",
      async () => {
        const { code, shown } = await onTerminal([
          "send",
          address,
          "hello",
          ...identity,
          "--hold",
          "30d",
        ]);
        assert.equal(code, 0, shown);
        for (const label of ["mining", "sending"]) {
          assert.ok(shown.includes(label), label);
        }
        assert.match(shown, /100%/);
        assert.equal(count(shown, HIDE_CURSOR), 2);
        assert.equal(count(shown, SHOW_CURSOR), 2);
      },
    );

    await t.step("a send that fails gives the cursor back too", async () => {
      const { code, shown } = await onTerminal([
        "send",
        address,
        "hello",
        ...identity,
        "--hold",
        "30d",
        "--max-hashes",
        "1",
      ]);
      assert.notEqual(code, 0);
      assert.match(shown, /price-too-high/);
      assert.equal(count(shown, HIDE_CURSOR), count(shown, SHOW_CURSOR));
    });

    await t.step("there is no bar in a pipe", async () => {
      const { stderr } = await restante([
        "send",
        address,
        "hello",
        ...identity,
      ]);
      assert.equal(stderr, "");
    });

    await t.step("there is nothing but the document with --json", async () => {
      const { code, shown } = await onTerminal([
        "send",
        address,
        "hello",
        ...identity,
        "--json",
      ]);
      assert.equal(code, 0, shown);
      assert.match(shown, /^\{[\x20-\x7e]+\}\r\n$/);
    });

    await t.step(
      "help that nobody reads to its end is no failure",
      async () => {
        const shown = await shell(
          "set -o pipefail; restante --help | true; echo $?",
        );
        assert.equal(shown, "0\n");
      },
    );

    await t.step("mail is saved for its owner's eyes alone", async () => {
      await restante(["read", ...me, "--save", file("inbox")]);
      const { mode: folderMode } = await Deno.stat(file("inbox"));
      assert.equal((folderMode ?? 0) & 0o777, 0o700);
      let saved = 0;
      for await (const { name } of Deno.readDir(file("inbox"))) {
        const { mode } = await Deno.stat(file(`inbox/${name}`));
        assert.equal((mode ?? 0) & 0o777, 0o600);
        saved++;
      }
      assert.equal(saved, 3);
    });

    await t.step("what nobody could read is not acknowledged", async () => {
      await shell(`restante read ${me.join(" ")} --ack --json | head -c 0`);
      const { messages } = await restanteJson<{ messages: unknown[] }>(
        "read",
        ...me,
      );
      assert.equal(messages.length, 3);
    });

    await t.step(
      "--watch prints what comes as it comes, and outlives the relay's restart",
      async () => {
        await using watcher = RunningCommand.start(
          "read",
          ...me,
          "--watch",
          "--json",
        );
        await watcher.until('"text":"hello"');
        await restante(["send", address, "live", ...identity]);
        await watcher.until('"text":"live"');
        await relay.end("SIGKILL");
        const { port } = new URL(relay.url);
        relay = await RelayProcess.start(
          "--port",
          port,
          "--kv",
          file("store.kv"),
        );
        await restante(["send", address, "after it", ...identity]);
        await watcher.until('"text":"after it"');
        const { stdout } = await watcher.end("SIGKILL");
        assert.equal(count(stdout, '"text":"live"'), 1, "once");
      },
    );
  } finally {
    await relay[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  }
});
