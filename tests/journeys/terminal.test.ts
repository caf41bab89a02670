/** The command on a terminal and in a pipe: bars, hostile text, saved mail. */
import assert from "node:assert/strict";
import {
  RelayProcess,
  restante,
  restanteJson,
  ROOT,
  taskArguments,
} from "./process.ts";

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

/** Runs the command on a terminal of its own; gives all that was shown. */
async function onTerminal(
  args: readonly string[],
): Promise<{ code: number; shown: string }> {
  const words = [Deno.execPath(), ...taskArguments("cli"), ...args].map((
    word,
  ) => `'${word.replaceAll("'", "'\\''")}'`);
  const { code, stdout } = await new Deno.Command("script", {
    args: ["-qec", words.join(" "), "/dev/null"],
    cwd: ROOT,
    stdin: "null",
  }).output();
  return { code, shown: new TextDecoder().decode(stdout) };
}

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

    await t.step(
      "what a sender wrote cannot command the terminal",
      async () => {
        await restante([
          "send",
          address,
          "hi",
          ...identity,
          "--application",
          "x\x1b[31m\x07\nfrom FORGED\u202e",
        ]);
        const { stdout } = await restante(["read", ...me]);
        // deno-lint-ignore no-control-regex -- these are what must not be there
        assert.doesNotMatch(stdout, /[\x1b\x07\u202e]|^from FORGED/m);
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
        const watcher = new Deno.Command(Deno.execPath(), {
          args: [...taskArguments("cli"), "read", ...me, "--watch", "--json"],
          cwd: ROOT,
          stdout: "piped",
          stderr: "null",
        }).spawn();
        const lines = watcher.stdout.pipeThrough(new TextDecoderStream())
          .getReader();
        let shown = "";
        const until = async (text: string) => {
          while (!shown.includes(text)) {
            const { value, done } = await lines.read();
            assert.ok(!done, `the watch ended: ${shown}`);
            shown += value;
          }
        };
        await until('"text":"hi"');
        await restante(["send", address, "live", ...identity]);
        await until('"text":"live"');
        await relay.end("SIGKILL");
        const { port } = new URL(relay.url);
        relay = await RelayProcess.start(
          "--port",
          port,
          "--kv",
          file("store.kv"),
        );
        await restante(["send", address, "after it", ...identity]);
        await until('"text":"after it"');
        assert.equal(shown.split('"text":"live"').length, 2, "once");
        watcher.kill("SIGKILL");
        await watcher.status;
        await lines.cancel();
      },
    );

    await t.step(
      "every command has --help with an example, and --json",
      async () => {
        for (
          const command of [
            "serve",
            "keygen",
            "address",
            "send",
            "read",
            "inspect",
            "verify-receipt",
          ]
        ) {
          const { code, stdout } = await restante([command, "--help"]);
          assert.equal(code, 0, command);
          assert.match(stdout, /--json/, command);
          assert.match(
            stdout,
            new RegExp(`Example:\n {2}restante ${command} `),
            command,
          );
        }
      },
    );
  } finally {
    await relay[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  }
});
