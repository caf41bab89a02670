/** Where the command remembers, and what. */
import assert from "node:assert/strict";
import {
  homeFolder,
  identityOr,
  recall,
  relayOr,
  remember,
  rememberedFile,
} from "../../cli/home.ts";
import { UsageError } from "../../cli/output.ts";
import { TempDirectory } from "../kv/temp_directory.ts";

const VARIABLES = ["RESTANTE_HOME", "XDG_CONFIG_HOME", "HOME", "APPDATA"];

/** Does something in an environment of its own. */
async function inEnvironment(
  environment: Readonly<Record<string, string>>,
  work: () => void | Promise<void>,
): Promise<void> {
  const before = VARIABLES.map((name) => [name, Deno.env.get(name)] as const);
  for (const name of VARIABLES) {
    Deno.env.set(name, environment[name] ?? "");
  }
  try {
    await work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

Deno.test({
  name: "homeFolder() is our own, or where the system keeps such",
  ignore: Deno.build.os === "windows",
  async fn() {
    const table: [environment: Record<string, string>, folder: string][] = [
      [
        { RESTANTE_HOME: "/own", XDG_CONFIG_HOME: "/xdg", HOME: "/home" },
        "/own",
      ],
      [{ XDG_CONFIG_HOME: "/xdg", HOME: "/home" }, "/xdg/restante"],
      [{ HOME: "/home" }, "/home/.config/restante"],
    ];
    for (const [environment, folder] of table) {
      await inEnvironment(environment, () => {
        assert.equal(homeFolder(), folder);
        assert.equal(rememberedFile(), `${folder}/config.json`);
      });
    }
    await inEnvironment({}, () => {
      assert.throws(homeFolder, (error) => {
        assert.ok(error instanceof UsageError);
        assert.equal(error.message, "no home folder: set RESTANTE_HOME");
        return true;
      });
    });
  },
});

Deno.test("what is remembered is for its owner alone, and what is given goes before it", async () => {
  await using directory = await TempDirectory.make();
  const home = directory.file("deep/home");
  await inEnvironment({ RESTANTE_HOME: home }, async () => {
    assert.equal(await recall(), null);
    await assert.rejects(relayOr(undefined), {
      code: "usage",
      message: "give --relay URL, or run restante init once",
    });
    await assert.rejects(identityOr(undefined), {
      code: "usage",
      message: "give --identity FILE, or run restante init once",
    });
    await remember({ relay: "http://a", identity: "/old" });
    await remember({ relay: "http://b", identity: "/b.json" });
    assert.deepEqual(await recall(), {
      relay: "http://b",
      identity: "/b.json",
    });
    assert.equal(await relayOr(undefined), "http://b");
    assert.equal(await relayOr("http://c"), "http://c");
    assert.equal(await identityOr(undefined), "/b.json");
    assert.equal(await identityOr("/c.json"), "/c.json");
    const modes = [home, `${home}/config.json`].map(async (path) =>
      ((await Deno.stat(path)).mode ?? 0) & 0o777
    );
    assert.deepEqual(await Promise.all(modes), [0o700, 0o600]);
  });
});

Deno.test("recall() says what is damaged, and does not take what it cannot read for nothing", async () => {
  await using directory = await TempDirectory.make();
  await inEnvironment({ RESTANTE_HOME: directory.path }, async () => {
    for (
      const text of [
        "",
        "{",
        "[]",
        '{"relay":"x"}',
        '{"relay":1,"identity":"x"}',
      ]
    ) {
      await Deno.writeTextFile(directory.file("config.json"), text);
      await assert.rejects(recall(), {
        code: "usage",
        message:
          `${directory.path}/config.json is damaged: run restante init --force again`,
      });
    }
    await Deno.remove(directory.file("config.json"));
    await Deno.mkdir(directory.file("config.json"));
    await assert.rejects(recall(), /directory/);
  });
});
