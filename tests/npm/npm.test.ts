/** The npm package, packed, installed into an empty project, and used in Node. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import configuration from "../../deno.json" with { type: "json" };
import { buildNpm } from "../../scripts/build_npm.ts";
import { npm, run } from "../../scripts/npm.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { listen } from "../routes/listening_relay.ts";

/** Node's version, or null where there is none. */
async function versionOf(command: string): Promise<string | null> {
  try {
    const { stdout } = await new Deno.Command(command, { args: ["--version"] })
      .output();
    return new TextDecoder().decode(stdout).trim();
  } catch {
    return null;
  }
}

const node = await versionOf("node");
const isReady = node !== null && Number(node.slice(1).split(".")[0]) >= 20 &&
  await versionOf("npm") !== null;
if (!isReady) {
  console.error("NOT TESTED: the npm package, for want of Node 20 and npm");
}

/** The files of a folder and those below it. */
async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* filesIn(path);
    else yield path;
  }
}

/** Runs the app, and starts its relay again when it says so. */
async function runApp(project: string, store: string): Promise<string> {
  let relay = await listen(store);
  const port = Number(new URL(relay.url).port);
  try {
    const app = new Deno.Command("node", {
      args: ["app.mjs", relay.url],
      cwd: project,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const errors = app.stderr.text();
    let printed = "";
    for await (const part of app.stdout.pipeThrough(new TextDecoderStream())) {
      printed += part;
      if (part.includes("restart")) {
        await relay.stop();
        relay = await listen(store, undefined, { port });
      }
    }
    assert.ok((await app.status).success, await errors);
    return printed;
  } finally {
    await relay.stop();
  }
}

Deno.test({
  name:
    "the packed client does the main job in Node, through a relay's restart",
  ignore: !isReady,
  async fn(t) {
    await using directory = await TempDirectory.make();
    const built = await buildNpm(directory.file("built"));
    const project = directory.file("project");
    await Deno.mkdir(project);
    const packed = await npm(["pack", built, "--silent"], project);
    await Deno.writeTextFile(
      join(project, "package.json"),
      JSON.stringify({ private: true, type: "module" }),
    );
    const wanted = [`./${packed.trim()}`, "typescript@5.9.3"];
    await npm(["install", ...wanted], project);
    for (const file of ["app.mjs", "consumer.ts"]) {
      const source = new URL(`./${file}`, import.meta.url);
      await Deno.copyFile(source, join(project, file));
    }

    await t.step("an app", async () => {
      const printed = await runApp(project, directory.file("store.kv"));
      assert.match(printed, /^restart\ndone by (events|socket)/);
    });
    await t.step("its declarations", async () => {
      // What TypeScript takes for granted, and nothing of Node.
      const options = "--strict --noEmit --target es2022 --module nodenext";
      const tsc = join(project, "node_modules/.bin/tsc");
      await run(
        tsc,
        [...options.split(" "), "--skipLibCheck", "false", "consumer.ts"],
        project,
      );
    });
    await t.step("what its modules name by URL, and its licence", async () => {
      const installed = join(project, "node_modules", configuration.name);
      await Deno.stat(join(installed, "LICENSE"));
      let named = 0;
      for await (const file of filesIn(installed)) {
        if (!file.endsWith(".js")) continue;
        const source = await Deno.readTextFile(file);
        const urls = source.matchAll(
          /new URL\("([^"]+)", import\.meta\.url\)/g,
        );
        for (const [, path = ""] of urls) {
          await Deno.stat(join(dirname(file), path));
          assert.match(path, /\.js$/);
          named++;
        }
      }
      assert.equal(named, 1, "the miner's worker");
    });
  },
});
