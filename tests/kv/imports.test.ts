/** Imports point one way: main → routes → relay → kv → lib; cli, web → client. */
import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The rooms, and which of them each may import besides itself. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  "kv/store": ["lib", "kv"],
  "kv/mail": ["lib", "kv", "kv/store"],
  "kv/bells": ["lib", "kv", "kv/store", "kv/mail"],
  "kv/backup": ["lib", "kv", "kv/store", "kv/mail", "kv/bells"],
  // The table of kinds and the relay's keys, which stand by themselves.
  kv: ["lib", "kv/store"],
  relay: ["lib", "kv", "kv/store", "kv/mail", "kv/bells", "kv/backup"],
  routes: [
    "lib",
    "kv",
    "kv/store",
    "kv/mail",
    "kv/bells",
    "kv/backup",
    "relay",
  ],
  client: ["lib"],
  web: ["lib", "client"],
};

/** The one file that may take types from the rooms above it. */
const TABLE = "kv/kinds.ts";

interface Import {
  /** Both from the root of the repository. */
  readonly from: string;
  readonly to: string;
  /** Whether nothing but types is taken. */
  readonly isType: boolean;
}

/** Every import and re-export of the repository's own files. */
async function importsIn(directory: string): Promise<Import[]> {
  const found: Import[] = [];
  for await (const path of files(directory)) {
    const source = await Deno.readTextFile(join(ROOT, path));
    const code = source.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
    const statements = code.matchAll(
      /^(?:import|export)\b(\s+type\b)?([^;"]*?)\bfrom\s+"([^"]+)"|\bimport\(\s*"([^"]+)"|^import\s+"([^"]+)"/gm,
    );
    for (const [, type, names = "", from, lazy, bare] of statements) {
      const target = from ?? lazy ?? bare ?? "";
      if (!target.startsWith(".")) continue;
      const listed = /\{([^]*)\}/.exec(names)?.[1]?.split(",") ?? [""];
      const isType = type !== undefined ||
        listed.every((name) => !name.trim() || /^\s*type\s/.test(name)) &&
          listed.some((name) => name.trim());
      const to = relative(ROOT, join(ROOT, path, "..", target));
      if (to.endsWith(".json")) continue; // the version alone
      found.push({ from: path, to, isType });
    }
  }
  return found;
}

async function* files(directory: string): AsyncGenerator<string> {
  const entries = await Array.fromAsync(Deno.readDir(join(ROOT, directory)));
  for (const { name, isDirectory } of entries) {
    const path = join(directory, name);
    if (isDirectory) yield* files(path);
    else if (name.endsWith(".ts") || name.endsWith(".tsx")) yield path;
  }
}

function roomOf(path: string): string {
  const [first = "", second = ""] = path.split("/");
  const inner = `${first}/${second}`;
  return inner in ROOMS ? inner : first;
}

async function isThere(directory: string): Promise<boolean> {
  return await Deno.stat(join(ROOT, directory)).then(() => true, () => false);
}

async function allImports(): Promise<Import[]> {
  const tops = new Set(Object.keys(ROOMS).map((room) => room.split("/")[0]));
  const found = [];
  for (const top of tops) {
    if (top !== undefined && await isThere(top)) {
      found.push(...await importsIn(top));
    }
  }
  return found;
}

Deno.test("imports point one way: lib, kv, relay, routes; and lib, client, web", async () => {
  const imports = await allImports();
  assert.ok(imports.length > 400, `${imports.length} imports were found`);
  const wrong = imports.filter(({ from, to, isType }) => {
    const [room, other] = [roomOf(from), roomOf(to)];
    const isTable = from === TABLE && isType;
    return room !== other && !isTable && !ROOMS[room]?.includes(other);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("no values are imported in a circle", async () => {
  const edges = new Map<string, string[]>();
  for (const { from, to, isType } of await allImports()) {
    if (!isType) edges.set(from, [...edges.get(from) ?? [], to]);
  }
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), [...path, file].join(" → "));
    if (done.has(file)) return;
    for (const to of edges.get(file) ?? []) walk(to, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) walk(file, []);
  assert.ok(done.size > 100);
});

Deno.test("one file alone says Deno.Kv or opens one", async () => {
  const saying: string[] = [];
  for (const room of ["lib", "kv", "relay", "routes", "client", "cli"]) {
    for await (const path of files(room)) {
      const source = await Deno.readTextFile(join(ROOT, path));
      if (/Deno\.(Kv|openKv|AtomicOperation)/.test(source)) saying.push(path);
    }
  }
  for (const path of ["main.ts", "config.ts", "cli.ts"]) {
    const source = await Deno.readTextFile(join(ROOT, path));
    if (/Deno\.(Kv|openKv)/.test(source)) saying.push(path);
  }
  assert.deepEqual(saying, ["kv/store/deno_kv.ts"]);
});
