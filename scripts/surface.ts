/** Notes the client's public surface: its names and types, without words. */
import { dirname, join } from "node:path";

const ROOT = new URL("../", import.meta.url).pathname;
/** Where the surface is kept. */
export const SURFACE: string = join(ROOT, "tests/client/surface.txt");

/** Copies the sources of a folder without their documentation. */
async function copyBare(folder: string, target: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, folder))) {
    const path = join(folder, name);
    if (isDirectory) await copyBare(path, target);
    else {
      const source = await Deno.readTextFile(join(ROOT, path));
      const file = join(target, path);
      await Deno.mkdir(dirname(file), { recursive: true });
      const bare = source.replaceAll(/^ *\/\*\*[^]*?\*\/\n/gm, "");
      await Deno.writeTextFile(file, bare);
    }
  }
}

/** The surface as it is now. */
export async function currentSurface(): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of ["client", "lib"]) await copyBare(name, folder);
    await Deno.copyFile(join(ROOT, "deno.json"), join(folder, "deno.json"));
    const { success, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      {
        args: ["doc", "--no-lock", "client/mod.ts"],
        cwd: folder,
        env: { NO_COLOR: "1" },
      },
    ).output();
    const text = new TextDecoder();
    if (!success) throw new Error(text.decode(stderr));
    const lines = text.decode(stdout).split("\n").filter((line) =>
      line.trim() !== "" && !line.startsWith("Defined in ")
    );
    return `${lines.join("\n")}\n`;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  await Deno.writeTextFile(SURFACE, await currentSurface());
}
