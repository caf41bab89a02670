/** `restante bench`: measuring, and being known to nobody else. */
import assert from "node:assert/strict";
import { restante, ROOT } from "./process.ts";

Deno.test("restante bench measures what it is told to, as tables or as JSON", async () => {
  const { code, stdout } = await restante(["bench", "verify", "--json"]);
  assert.equal(code, 0);
  const { deno, cores, tables } = JSON.parse(stdout);
  assert.equal(deno, Deno.version.deno);
  assert.ok(cores >= 1);
  assert.equal(tables.length, 1);
  const [{ title, rows: [head, ...rows] }] = tables;
  assert.ok(title.length > 0 && rows.length > 0);
  for (const row of rows) assert.equal(row.length, head.length);
  // The command's own name of a bench is known, the other is not.
  const refused = await restante(["bench", "post", "nothing"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^error: no bench nothing; there are verify, /);
});

interface ModuleInfo {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly isDynamic?: boolean;
    readonly code?: { readonly specifier?: string };
  }[];
}

/** The modules that an entry needs before anything runs, by their paths. */
async function staticModulesOf(entry: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: ROOT,
  }).output();
  const { roots, modules, redirects } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const byName = new Map<string, ModuleInfo>(
    modules.map((info: ModuleInfo) => [info.specifier, info]),
  );
  const found = new Set<string>(roots);
  for (const name of found) {
    const info = byName.get(redirects[name] ?? name);
    for (const { isDynamic, code } of info?.dependencies ?? []) {
      const next = code?.specifier;
      if (!isDynamic && next?.startsWith("file:")) found.add(next);
    }
  }
  return [...found].map((url) => new URL(url).pathname.slice(ROOT.length));
}

Deno.test("no command but bench imports what measures", async () => {
  const modules = await staticModulesOf("cli.ts");
  assert.ok(modules.includes("cli/bench.ts") && modules.length > 50);
  assert.deepEqual(modules.filter((path) => path.startsWith("bench/")), []);
  assert.ok((await staticModulesOf("bench/run.ts")).includes("bench/send.ts"));
});
