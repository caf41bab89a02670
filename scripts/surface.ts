/**
 * Notes the client's public surface: its names and types, without words. What
 * those types are made of belongs to it, exported or not.
 */
import { dirname, join } from "node:path";

const ROOT = new URL("../", import.meta.url).pathname;
const ENTRY = "client/mod.ts";
/** Where the surface is kept. */
export const SURFACE: string = join(ROOT, "tests/client/surface.txt");

/** Copies the sources of a folder without their documentation. */
async function copyBare(folder: string, target: string): Promise<string[]> {
  const copied: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, folder))) {
    const path = join(folder, name);
    if (isDirectory) copied.push(...await copyBare(path, target));
    else {
      const source = await Deno.readTextFile(join(ROOT, path));
      const file = join(target, path);
      await Deno.mkdir(dirname(file), { recursive: true });
      const bare = source.replaceAll(/^ *\/\*\*[^]*?\*\/\n/gm, "");
      await Deno.writeTextFile(file, bare);
      copied.push(path);
    }
  }
  return copied;
}

/** What modules export: of each symbol the line that declares it, and its members'. */
async function declarations(
  folder: string,
  modules: readonly string[],
): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--no-lock", ...modules],
    cwd: folder,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(text.decode(stderr));
  const lines = text.decode(stdout).split("\n").filter((line) =>
    line.trim() !== "" && !line.startsWith("Defined in ")
  );
  return lines.join("\n").split(/\n(?! )/);
}

/** The name that a type may be made of: a type's, or a constant's in capitals. */
function typeName(declaration: string): string | undefined {
  return /^(?:class|const|interface|type) ([A-Z]\w*)/.exec(declaration)?.[1];
}

/** Of all types those that the listed declarations are made of, and are not. */
function typesBehind(listed: readonly string[], all: readonly string[]) {
  const left = new Map(all.map((text) => [typeName(text), text]));
  left.delete(undefined);
  for (const text of listed) left.delete(typeName(text));
  const behind: string[] = [];
  for (let next = listed; next.length > 0;) {
    const names = new Set(next.join("\n").match(/\b[A-Z]\w*/g));
    next = [...names].flatMap((name) => left.get(name) ?? []);
    for (const text of next) left.delete(typeName(text));
    behind.push(...next);
  }
  return behind.toSorted();
}

/** Long unions and constants, one line a member: a difference is seen at once. */
function broken(surface: string): string {
  return surface.replaceAll(
    /^(?:const|type) .{80,}$/gm,
    (line) => line.replaceAll(/(?<=\};) | (?=\| [{"])/g, "\n  "),
  );
}

/** The surface as it is now. */
export async function currentSurface(): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const modules = [
      ...await copyBare("client", folder),
      ...await copyBare("lib", folder),
    ].filter((path) => path !== ENTRY);
    await Deno.copyFile(join(ROOT, "deno.json"), join(folder, "deno.json"));
    const listed = await declarations(folder, [ENTRY]);
    const all = await declarations(folder, modules.toSorted());
    const behind = typesBehind(listed, all);
    const heading = ["", "Not exported, and behind these:", ""];
    return broken([...listed, ...heading, ...behind, ""].join("\n"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  await Deno.writeTextFile(SURFACE, await currentSurface());
}
