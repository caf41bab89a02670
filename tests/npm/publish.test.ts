/** What would go to JSR: the client, what it is made of, and nothing else. */
import assert from "node:assert/strict";
import { ROOT } from "../journeys/process.ts";

Deno.test("the client can be published as it is, alone", async () => {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const printed = new TextDecoder().decode(stderr);
  assert.ok(success, printed);
  const root = new URL(`file://${ROOT}`).href;
  const files = [...printed.matchAll(/^ +(file:\S+) \(/gm)].map((
    [, url = ""],
  ) => url.slice(root.length));
  const own = /^(client|lib)\/.+\.ts$/;
  assert.ok(files.includes("client/mod.ts"), printed);
  assert.deepEqual(files.filter((path) => !own.test(path)).toSorted(), [
    "LICENSE",
    "README.md",
    "deno.json",
  ]);
});
