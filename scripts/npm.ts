/** Running npm, and what comes with it. */
import { join } from "node:path";

/** Runs a command and gives what it printed; fails as it does. */
export async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    env,
  }).output();
  const text = new TextDecoder();
  const printed = text.decode(stdout);
  if (success) return printed;
  const failure = `${printed}${text.decode(stderr)}`;
  throw new Error(`${command} ${args.join(" ")}: ${failure}`);
}

/** Runs npm, which neither reports nor asks for what it has. */
export async function npm(
  args: readonly string[],
  cwd: string,
): Promise<string> {
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];
  return await run("npm", [...args, ...quiet], cwd, await ownCache(cwd));
}

/** A cache in the folder itself, where the user's cannot be written. */
async function ownCache(folder: string): Promise<Record<string, string>> {
  try {
    const cache = join(Deno.env.get("HOME") ?? folder, ".npm");
    await Deno.mkdir(cache, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir: cache }));
    return {};
  } catch {
    return { npm_config_cache: join(folder, ".npm") };
  }
}
