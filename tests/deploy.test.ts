/** The relay as Deno Deploy starts it: the section of deno.json, its variables. */
import assert from "node:assert/strict";
import configuration from "../deno.json" with { type: "json" };
import { ROOT } from "./journeys/process.ts";
import { TempDirectory } from "./kv/temp_directory.ts";

/** Milliseconds between Deno Deploy's SIGINT and its SIGKILL. */
const DEPLOY_PATIENCE = 5_000;

/**
 * Starts the app as the platform does: all permissions, no flags of its own. Its
 * crons need one here.
 */
function startApp(database: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--unstable-cron",
      configuration.deploy.runtime.entrypoint,
    ],
    cwd: ROOT,
    env: {
      NO_COLOR: "1",
      PORT: "0",
      DENO_DEPLOY: "true",
      DENO_DEPLOY_APP_SLUG: "relay",
      DENO_DEPLOY_ORG_SLUG: "acme",
      DENO_TIMELINE: "production",
      // What `Deno.openKv()` opens when it is not told what.
      DENO_KV_DEFAULT_PATH: database,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("deno.json names for Deno Deploy what runs and how it is installed", async () => {
  const { install, runtime } = configuration.deploy;
  assert.equal(install, "deno install --frozen");
  assert.equal(runtime.type, "dynamic");
  assert.ok((await Deno.stat(`${ROOT}${runtime.entrypoint}`)).isFile);
});

Deno.test("the app on Deno Deploy has the platform's store and its own URL, and ends in time", async () => {
  await using directory = await TempDirectory.make();
  const database = directory.file("platform.kv");
  const child = startApp(database);
  const printed = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const errors = child.stderr.text();
  const { value = "" } = await printed.read();
  const port = /^listening on http:\/\/\S+:(\d+)\n/.exec(value)?.[1];
  assert.ok(port !== undefined, value);
  const answer = await fetch(
    `http://127.0.0.1:${port}/.well-known/restante`,
  );
  assert.equal((await answer.json()).url, "https://relay.acme.deno.net");
  assert.ok((await Deno.stat(database)).size > 0);
  const told = performance.now();
  child.kill("SIGINT");
  assert.equal((await child.status).code, 0);
  assert.ok(performance.now() - told < DEPLOY_PATIENCE);
  await printed.cancel();
  const [start = ""] = (await errors).split("\n");
  const { event, store } = JSON.parse(start);
  assert.deepEqual({ event, store }, { event: "start", store: "platform" });
});
