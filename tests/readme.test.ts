/** The README says what is there: its commands run, its table is config.ts's. */
import assert from "node:assert/strict";
import configuration from "../deno.json" with { type: "json" };
import { EMPTY_FILLS, priceHold } from "../lib/work/price.ts";
import { targetOf } from "../lib/work/target.ts";
import { KINDS_TABLE } from "../scripts/kinds_table.ts";
import { cellsOnPage } from "../scripts/made_table.ts";
import { SETTINGS_TABLE } from "../scripts/settings_table.ts";
import { RelayProcess, ROOT } from "./journeys/process.ts";

const README = await Deno.readTextFile(`${ROOT}/README.md`);

/** The shell block under a heading. */
function commandsUnder(heading: string): string {
  const section = README.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0];
  return /```sh\n([^]*?)```/.exec(section ?? "")?.[1] ?? "";
}

Deno.test("tables on pages are those that code makes", async (t) => {
  for (const table of [SETTINGS_TABLE, KINDS_TABLE]) {
    await t.step(table.name, async () => {
      assert.deepEqual(await cellsOnPage(table), table.rows);
    });
  }
});

Deno.test("the README says how large a message a stock sender's hashes carry", () => {
  const told =
    /The ([\d,]+) hashes of a stock Minima sender carry ([\d,]+) bytes for an hour/
      .exec(README.replaceAll(/\s+/g, " "))?.slice(1)
      .map((number) => Number(number.replaceAll(",", "")));
  assert.ok(told !== undefined);
  const [hashes = 0, bytes = 0] = told;
  assert.equal(hashes, 11_000);
  const target = targetOf(hashes);
  const hold = (size: number) => priceHold({ size, target }, EMPTY_FILLS);
  assert.equal(hold(bytes), 3_600);
  assert.throws(() => hold(bytes + 1), { code: "work-insufficient" });
});

Deno.test("the README leads with the two commands for a machine that has Node alone", () => {
  const [start, test] = commandsUnder("Run it").trim().split("\n");
  assert.equal(start, `npx -y deno@${Deno.version.deno} task start`);
  assert.equal(test, `npx -y deno@${Deno.version.deno} task test`);
});

Deno.test("the README's main job runs as it is pasted", async () => {
  const commands = commandsUnder("The main job, in five commands");
  assert.equal(commands.trim().split("\n").length, 5);
  const folder = await Deno.makeTempDir();
  try {
    await using relay = await RelayProcess.start(
      "--port",
      "0",
      "--kv",
      `${folder}/store.kv`,
    );
    // The paths and the port are the test's own, and `deno` is this Deno.
    const script = commands
      .replaceAll("http://127.0.0.1:8000", relay.url)
      .replaceAll(/(alice|bob)\.json/g, `${folder}/$1.json`);
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: [
        "-euo",
        "pipefail",
        "-c",
        `deno() { '${Deno.execPath()}' "$@"; }\n${script}`,
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder();
    assert.equal(code, 0, text.decode(stderr));
    assert.match(text.decode(stdout), /\nreceipt {2}[\w-]+\.[\w-]+\.[\w-]+\n/);
    assert.match(text.decode(stdout), /\n\n\| Dear Bob\n/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the README's app runs as it is pasted", async () => {
  const section = README.split("\n## In your app\n")[1] ?? "";
  const code = /```ts ignore\n([^]*?)```/.exec(section)?.[1] ?? "";
  const folder = await Deno.makeTempDir();
  try {
    await using relay = await RelayProcess.start(
      "--port",
      "0",
      "--kv",
      `${folder}/store.kv`,
    );
    // The package is this repository's, and the port the test's own.
    const client = new URL(configuration.exports, `file://${ROOT}`).href;
    await Deno.writeTextFile(
      `${folder}/app.ts`,
      code.replace(configuration.name, client)
        .replace("http://127.0.0.1:8000", relay.url),
    );
    const { code: exit, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      {
        args: [
          "run",
          "--check",
          "--allow-net",
          `--config=${ROOT}/deno.json`,
          `${folder}/app.ts`,
        ],
        env: { NO_COLOR: "1" },
      },
    ).output();
    const text = new TextDecoder();
    assert.equal(exit, 0, text.decode(stderr));
    assert.match(text.decode(stdout), /^held until 20\S+Z\nDear Bob\n$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
