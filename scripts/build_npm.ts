/**
 * Builds the npm package of the client into `npm/`: the modules that
 * client/mod.ts reaches, as JavaScript with declarations, file by file.
 */
import { dirname, join, relative } from "node:path";
import configuration from "../deno.json" with { type: "json" };
import { npm, run } from "./npm.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const ENTRY = "client/mod.ts";
/** A worker is no import, so nothing reaches it: it is named here. */
const WORKER = "lib/work/miner_worker.ts";
/** Its own package, for what engines of 2023 lack. */
const CORE_JS = "3.46.0";
/** What the package is built with. */
const TYPESCRIPT = "5.9.3";

/** What Node 20 lacks and the client uses; core-js looks for itself. */
const LACKING = [
  "typed-array/from-hex",
  "typed-array/to-base64",
  "typed-array/to-hex",
  "typed-array/from-base64",
  "promise/with-resolvers",
  "url/parse",
];

/** What `deno info --json` says of a module. */
interface ModuleInfo {
  specifier: string;
  local?: string;
}

/** Our own modules that an entry reaches, by their paths in the repository. */
async function modulesOf(entry: string): Promise<string[]> {
  const info = await run(Deno.execPath(), ["info", "--json", entry], ROOT);
  const { modules } = JSON.parse(info) as { modules: ModuleInfo[] };
  return modules.flatMap(({ specifier, local }) =>
    specifier.startsWith("file:") && local ? [relative(ROOT, local)] : []
  );
}

/** The npm packages that are imported, with the versions of deno.json. */
function dependenciesOf(sources: readonly string[]): Record<string, string> {
  const imports = configuration.imports as Record<string, string>;
  const used = Object.entries(imports).filter(([name]) =>
    sources.some((source) => new RegExp(`from "${name}["/]`).test(source))
  );
  return Object.fromEntries([
    ...used.map(([name, specifier]) => [name, specifier.split("@").at(-1)]),
    ["core-js", CORE_JS],
  ]);
}

function packageJson(dependencies: Record<string, string>) {
  return {
    name: configuration.name,
    version: configuration.version,
    description: "The client of restante: encrypted mail that waits for you",
    license: configuration.license,
    type: "module",
    engines: { node: ">=20.3" },
    exports: { ".": { types: "./index.d.ts", default: "./index.js" } },
    types: "./index.d.ts",
    files: ["index.js", "index.d.ts", "client", "lib"],
    sideEffects: ["./index.js", `./${WORKER.replace(/ts$/, "js")}`],
    dependencies,
  };
}

const COMPILER_OPTIONS = {
  target: "ES2022",
  lib: ["ESNext", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
  module: "NodeNext",
  moduleResolution: "NodeNext",
  declaration: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  rewriteRelativeImportExtensions: true,
  skipLibCheck: true,
  types: [],
};

/** The package's entry: first what engines lack. */
const INDEX = LACKING.map((part) => `import "core-js/actual/${part}.js";\n`)
  .join("") + 'export * from "./client/mod.js";\n';

/** Its types, which need more than TypeScript takes for granted. */
const INDEX_TYPES = `/// <reference lib="esnext.disposable" />
export * from "./client/mod.js";
`;

/** Types of what TypeScript does not know yet and Deno does. */
const AMBIENT = `
interface Uint8Array<TArrayBuffer extends ArrayBufferLike> {
  toHex(): string;
  toBase64(options?: { alphabet?: "base64" | "base64url"; omitPadding?: boolean }): string;
}
interface Uint8ArrayConstructor {
  fromHex(text: string): Uint8Array<ArrayBuffer>;
  fromBase64(text: string, options?: { alphabet?: "base64" | "base64url" }): Uint8Array<ArrayBuffer>;
}
`;

/** Builds the package; gives its folder. */
export async function buildNpm(target = join(ROOT, "npm")): Promise<string> {
  const modules = [
    ...new Set([...await modulesOf(ENTRY), ...await modulesOf(WORKER)]),
  ];
  const work = await Deno.makeTempDir();
  try {
    const sources: string[] = [];
    for (const module of modules) {
      const source = await Deno.readTextFile(join(ROOT, module));
      sources.push(source);
      const file = join(work, module);
      await Deno.mkdir(dirname(file), { recursive: true });
      // Of a URL that is no import, nobody else rewrites the extension.
      const rewritten = source.replace(
        /new URL\("(\.\/\w+)\.ts", import\.meta\.url\)/g,
        'new URL("$1.js", import.meta.url)',
      );
      await Deno.writeTextFile(file, rewritten);
    }
    const manifest = packageJson(dependenciesOf(sources));
    const write = (folder: string, name: string, text: string) =>
      Deno.writeTextFile(join(folder, name), text);
    await write(work, "ambient.d.ts", AMBIENT);
    await write(work, "package.json", JSON.stringify(manifest));
    await npm([
      "install",
      "--no-save",
      `typescript@${TYPESCRIPT}`,
      ...Object.entries(manifest.dependencies).map((pair) => pair.join("@")),
    ], work);
    await Deno.remove(target, { recursive: true }).catch(() => {});
    await Deno.mkdir(target, { recursive: true });
    const options = { ...COMPILER_OPTIONS, rootDir: work, outDir: target };
    await write(
      work,
      "tsconfig.json",
      JSON.stringify({
        compilerOptions: options,
        files: ["ambient.d.ts", ...modules],
      }),
    );
    await run(join(work, "node_modules/.bin/tsc"), ["-p", "."], work);
    await write(target, "package.json", JSON.stringify(manifest, null, 2));
    await write(target, "index.js", INDEX);
    await write(target, "index.d.ts", INDEX_TYPES);
    for (const name of ["README.md", "LICENSE"]) {
      await Deno.copyFile(join(ROOT, name), join(target, name));
    }
    return target;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

if (import.meta.main) console.log(await buildNpm());
