/** What the client offers is changed on purpose, or not at all. */
import assert from "node:assert/strict";
import { currentSurface, SURFACE } from "../../scripts/surface.ts";

Deno.test("the client's public surface is as it was noted (deno task surface notes it anew)", async () => {
  const noted = await Deno.readTextFile(SURFACE);
  const lines = (text: string) => text.trimEnd().split("\n");
  // As lines, so that a failure shows which of them differ.
  assert.deepEqual(lines(await currentSurface()), lines(noted));
});

Deno.test("the client needs neither Deno nor Node", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "info",
      "--json",
      new URL("../../client/mod.ts", import.meta.url).href,
    ],
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { specifier: string; local?: string }[];
  };
  const own = modules.filter(({ specifier }) => specifier.startsWith("file:"));
  assert.ok(own.length > 30);
  for (const { specifier } of own) {
    const source = (await Deno.readTextFile(new URL(specifier)))
      .replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    assert.doesNotMatch(source, /\bDeno\.|from "node:/, specifier);
  }
});
