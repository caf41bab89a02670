/** What `restante init` remembers, so that later commands need no flags. */
import { dirname, join } from "node:path";
import { z } from "zod";
import { writeSecret } from "./files.ts";
import { UsageError } from "./output.ts";

const rememberedForm = z.object({ relay: z.string(), identity: z.string() });

/** A relay's URL and an identity file. */
export type Remembered = z.infer<typeof rememberedForm>;

/** The folder of our own: RESTANTE_HOME, or where the system keeps such. */
export function homeFolder(): string {
  const own = Deno.env.get("RESTANTE_HOME");
  if (own) return own;
  const base = Deno.build.os === "windows"
    ? Deno.env.get("APPDATA")
    : Deno.env.get("XDG_CONFIG_HOME") ||
      (Deno.env.get("HOME") && join(Deno.env.get("HOME") ?? "", ".config"));
  if (base) return join(base, "restante");
  throw new UsageError("no home folder: set RESTANTE_HOME");
}

/** The file that remembers. */
export function rememberedFile(): string {
  return join(homeFolder(), "config.json");
}

/** What is remembered; null if nothing is. */
export async function recall(): Promise<Remembered | null> {
  const file = rememberedFile();
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  try {
    return rememberedForm.parse(JSON.parse(text));
  } catch (cause) {
    throw new UsageError(
      `${file} is damaged: run restante init --force again`,
      { cause },
    );
  }
}

/** Remembers, whole or not at all. */
export async function remember(what: Remembered): Promise<void> {
  const file = rememberedFile();
  await Deno.mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const text = JSON.stringify(what, null, 2) + "\n";
  await writeSecret(file, new TextEncoder().encode(text), true);
}

/** The relay that was given, or the one that is remembered. */
export async function relayOr(given: string | undefined): Promise<string> {
  return given ?? (await recalled("--relay URL")).relay;
}

/** The identity file that was given, or the one that is remembered. */
export async function identityOr(given: string | undefined): Promise<string> {
  return given ?? (await recalled("--identity FILE")).identity;
}

async function recalled(flag: string): Promise<Remembered> {
  const remembered = await recall();
  if (remembered !== null) return remembered;
  throw new UsageError(`give ${flag}, or run restante init once`);
}
