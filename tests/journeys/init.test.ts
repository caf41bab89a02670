/** Setting up once: an identity and a relay, and then no flags; locked keys. */
import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { FakeRelay } from "../client/fake_relay.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import {
  type Finished,
  RelayProcess,
  restante,
  ROOT,
  taskArguments,
} from "./process.ts";

/** What is below a folder, with its mode; nothing if there is no folder. */
async function filesIn(folder: string): Promise<[string, number][]> {
  try {
    const names = await Array.fromAsync(Deno.readDir(folder));
    const files = names.map(async ({ name }) => {
      const { mode } = await Deno.stat(join(folder, name));
      return [name, (mode ?? 0) & 0o777] as [string, number];
    });
    return (await Promise.all(files)).toSorted();
  } catch {
    return [];
  }
}

function refuses({ code, stdout, stderr }: Finished, pattern: RegExp): void {
  assert.equal(code, 1, stdout);
  assert.match(stderr, pattern);
  assert.equal(stderr.trim().split("\n").length, 1, stderr);
}

Deno.test("restante init sets up once what later commands need", async (t) => {
  await using directory = await TempDirectory.make();
  await using relay = await RelayProcess.start(
    "--port",
    "0",
    "--kv",
    directory.file("store.kv"),
  );
  const home = directory.file("home");
  const environment = { RESTANTE_HOME: home };
  const run = (...args: string[]) => restante(args, undefined, environment);
  const init = ["init", "--relay", relay.url];

  await t.step("before it, a command says what it lacks", async () => {
    refuses(
      await run("read"),
      /^error: give --relay URL, or run restante init/,
    );
    refuses(await run("address"), /\(usage\)\n$/);
  });
  await t.step("what fails leaves nothing behind", async () => {
    const nowhere = ["init", "--relay", "http://127.0.0.1:9"];
    refuses(
      await run(...nowhere),
      /tried \d+ times in \d\.\d s \(relay-unreachable\)\n$/,
    );
    await using other = new FakeRelay(() => Response.json({}));
    refuses(
      await run("init", "--relay", other.url),
      /\(relay-nonsense\)\n$/,
    );
    // What is no relay is not told who we are.
    assert.deepEqual(other.asked, ["GET /.well-known/restante"]);
    const damaged = directory.file("damaged.pem");
    await Deno.writeTextFile(damaged, "no key");
    refuses(
      await run(...init, "--import", damaged),
      /\(identity-invalid\)\n$/,
    );
    assert.deepEqual(await filesIn(home), []);
  });
  let address = "";
  await t.step("it makes an identity and opens its mailbox", async () => {
    const { code, stdout, stderr } = await run(...init, "--json");
    assert.equal(code, 0, stderr);
    ({ address } = JSON.parse(stdout));
    assert.deepEqual(await filesIn(home), [
      ["config.json", 0o600],
      ["identity.json", 0o600],
    ]);
  });
  await t.step("later commands need no flags", async () => {
    const sent = await run("send", address, "to myself", "--json");
    assert.equal(sent.code, 0, sent.stderr);
    const { receipt } = JSON.parse(sent.stdout);
    assert.match((await run("verify-receipt", receipt)).stdout, /^valid\n/);
    assert.match((await run("read")).stdout, /\n\| to myself\n/);
    assert.equal((await run("address")).stdout.split("\n")[0], address);
  });
  await t.step("it is done once; --force keeps the identity", async () => {
    refuses(await run(...init), /--force sets it up anew \(usage\)\n$/);
    const again = await run(...init, "--force", "--json");
    assert.equal(JSON.parse(again.stdout).address, address);
    const other = directory.file("other.json");
    await restante(["keygen", other]);
    const { privateKey } = JSON.parse(await Deno.readTextFile(other));
    const key = directory.file("other.hex");
    await Deno.writeTextFile(key, privateKey);
    refuses(
      await run(...init, "--force", "--import", key),
      /is not overwritten: move it away first \(file-exists\)\n$/,
    );
    const adopted = await run(
      ...init,
      "--force",
      "--identity",
      other,
      "--json",
    );
    assert.notEqual(JSON.parse(adopted.stdout).address, address);
  });
  await t.step(
    "an identity that is adopted is found from any folder",
    async () => {
      const other = relative(ROOT, directory.file("other.json"));
      const { code } = await run(...init, "--force", "--identity", other);
      assert.equal(code, 0);
      const { identity } = JSON.parse(
        await Deno.readTextFile(join(home, "config.json")),
      );
      assert.equal(identity, await Deno.realPath(directory.file("other.json")));
    },
  );
  await t.step(
    "what cannot be remembered leaves no identity behind",
    async () => {
      const elsewhere = directory.file("elsewhere");
      await Deno.mkdir(join(elsewhere, "config.json"), { recursive: true });
      refuses(
        await restante([...init, "--force"], undefined, {
          RESTANTE_HOME: elsewhere,
        }),
        /config\.json cannot be written: /,
      );
      assert.deepEqual(
        (await filesIn(elsewhere)).map(([name]) => name),
        ["config.json"],
      );
    },
  );
  await t.step(
    "nor does it take one away that was there before",
    async () => {
      const elsewhere = directory.file("full");
      await Deno.mkdir(join(elsewhere, "config.json"), { recursive: true });
      const own = directory.file("own.json");
      const kept = join(elsewhere, "identity.json");
      for (const file of [own, kept]) {
        assert.equal((await restante(["keygen", file])).code, 0);
      }
      for (const args of [["--identity", own], []]) {
        refuses(
          await restante([...init, ...args, "--force"], undefined, {
            RESTANTE_HOME: elsewhere,
          }),
          /config\.json cannot be written: /,
        );
      }
      for (const file of [own, kept]) await Deno.stat(file);
    },
  );
  await t.step(
    "what it remembers may be damaged, and that is said",
    async () => {
      await Deno.writeTextFile(join(home, "config.json"), "{");
      refuses(await run("read"), /is damaged: run restante init --force again/);
    },
  );
});

/** Runs the command on a terminal where somebody types. */
async function typing(
  args: readonly string[],
  typed: string,
): Promise<{ code: number; shown: string }> {
  const words = [Deno.execPath(), ...taskArguments("cli"), ...args];
  const child = new Deno.Command("script", {
    args: ["-qec", words.map((word) => `'${word}'`).join(" "), "/dev/null"],
    cwd: ROOT,
    env: { RESTANTE_HOME: "/nonexistent/restante", RESTANTE_PASSPHRASE: "" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  // What is typed too early would be shown: it waits for the question.
  const writer = child.stdin.getWriter();
  const lines = typed.split("\n");
  let shown = "";
  let asked = 0;
  for await (
    const part of child.stdout.pipeThrough(new TextDecoderStream())
  ) {
    shown += part;
    while (shown.split(/passphrase: |the same again: /).length - 1 > asked) {
      const line = lines[asked++];
      if (line === undefined) break;
      await writer.write(new TextEncoder().encode(`${line}\r`));
    }
  }
  await writer.close().catch(() => {});
  return { code: (await child.status).code, shown };
}

Deno.test("a locked identity is opened by its passphrase alone", async (t) => {
  await using directory = await TempDirectory.make();
  const file = directory.file("me.json");
  const address = ["address", file, "--relay", "http://127.0.0.1:1"];
  const passphrase = { RESTANTE_PASSPHRASE: "hörst du" };
  const locked = await restante(
    ["keygen", "--lock", file],
    undefined,
    passphrase,
  );
  assert.equal(locked.code, 0, locked.stderr);
  assert.ok(!(await Deno.readTextFile(file)).includes("privateKey"));

  await t.step("from the environment, or a file", async () => {
    const { code } = await restante(address, undefined, passphrase);
    assert.equal(code, 0);
    const secret = directory.file("secret");
    await Deno.writeTextFile(secret, "hörst du\n");
    const read = await restante([...address, "--passphrase-file", secret]);
    assert.equal(read.code, 0, read.stderr);
  });
  await t.step("not without it, and not with another", async () => {
    refuses(await restante(address), /\(identity-locked\)\n$/);
    refuses(
      await restante(address, undefined, { RESTANTE_PASSPHRASE: "x" }),
      /^error: the passphrase does not open .*\(passphrase-wrong\)\n$/,
    );
  });
  await t.step("typed on a terminal, where it is not shown", async () => {
    const { code, shown } = await typing(address, "hörst duü\x7f");
    assert.equal(code, 0, shown);
    assert.match(shown, /\nMx\w+@127\.0\.0\.1:1\r?\n|Mx\w+@127\.0\.0\.1:1/);
    assert.ok(!shown.includes("hörst"));
  });
  await t.step("whoever types no answer is not asked again", async () => {
    for (const key of ["\x03", "\x04"]) {
      const { code, shown } = await typing(address, `half${key}`);
      assert.equal(code, 1);
      assert.match(shown, /error: no passphrase was given \(usage\)/);
      assert.ok(!shown.includes("half"));
    }
  });
  await t.step("a new one is typed twice", async () => {
    const other = directory.file("other.json");
    const differing = await typing(["keygen", "--lock", other], "one\ntwo");
    assert.equal(differing.code, 1);
    assert.match(differing.shown, /not the same/);
    assert.deepEqual(
      (await filesIn(join(other, ".."))).map(([name]) => name),
      ["me.json", "secret"],
    );
    const same = await typing(["keygen", "--lock", other], "one\none");
    assert.equal(same.code, 0, same.shown);
  });
});
