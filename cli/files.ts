/** Files that the commands read and write. */
import { type Identity, parseIdentity } from "../client/mod.ts";
import type { Bytes } from "../lib/minima/codec.ts";

/** The bytes of a file, or of standard input for `-`. */
export async function readInput(path: string): Promise<Bytes> {
  if (path !== "-") return await Deno.readFile(path);
  return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
}

/** The identity in a file. */
export async function readIdentity(path: string): Promise<Identity> {
  return await parseIdentity(await Deno.readTextFile(path));
}

/**
 * Writes a file that only its owner can read, whole or not at all.
 *
 * @throws {Deno.errors.AlreadyExists} unless it may be overwritten
 */
export async function writeSecret(
  path: string,
  text: string,
  overwrite: boolean,
): Promise<void> {
  const half = `${path}.${crypto.randomUUID()}.tmp`;
  await Deno.writeTextFile(half, text, { mode: 0o600, createNew: true });
  try {
    if (overwrite) await Deno.rename(half, path);
    else await Deno.link(half, path); // fails where there is a file already
  } finally {
    await Deno.remove(half).catch(() => {});
  }
}
