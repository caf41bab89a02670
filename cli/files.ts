/** Files that the commands read and write. */
import { dirname } from "node:path";
import {
  type Identity,
  identityText,
  lockedIdentityText,
  parseIdentity,
} from "../client/mod.ts";
import type { Bytes } from "../lib/bytes.ts";
import {
  newPassphrase,
  type PassphraseOptions,
  readPassphrase,
} from "./passphrase.ts";

/** The bytes of a file, or of standard input for `-`. */
export async function readInput(path: string): Promise<Bytes> {
  if (path !== "-") return await Deno.readFile(path);
  return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
}

/** The identity in a file; for a locked one a passphrase is found or asked for. */
export async function readIdentity(
  path: string,
  options: PassphraseOptions,
): Promise<Identity> {
  const text = await Deno.readTextFile(path);
  return await parseIdentity(text, () => readPassphrase(options));
}

/** The bytes of an identity file, under a passphrase if it is to be locked. */
export async function identityFileText(
  identity: Identity,
  { lock, ...options }: PassphraseOptions & { lock?: boolean },
): Promise<Bytes> {
  const text = lock
    ? await lockedIdentityText(identity, await newPassphrase(options))
    : identityText(identity);
  return new TextEncoder().encode(text);
}

/** A file is there already, and is not to be overwritten. */
export class FileExistsError extends Error {
  readonly code = "file-exists";
}

/** Says so of a file that `--force` would overwrite. */
function isThere(path: string, options?: ErrorOptions): FileExistsError {
  return new FileExistsError(
    `${path} is there already; --force overwrites it`,
    options,
  );
}

/** Fails early, before there is anything to write. @throws {FileExistsError} */
export async function refuseExisting(path: string): Promise<void> {
  const there = await Deno.lstat(path).catch(() => null);
  if (there !== null) throw isThere(path);
}

/**
 * Writes a file that only its owner can read, whole or not at all; once it is
 * written it outlives a loss of power.
 *
 * @throws {FileExistsError} unless it may be overwritten
 */
export async function writeSecret(
  path: string,
  content: Bytes,
  overwrite: boolean,
): Promise<void> {
  try {
    await writeWhole(path, overwrite, (write) => write(content));
  } catch (cause) {
    if (cause instanceof FileExistsError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${path} cannot be written: ${why}`, { cause });
  }
}

/**
 * The same, of content that comes piece by piece. Gives what filling it gave.
 *
 * @throws {FileExistsError} unless it may be overwritten
 */
export async function writeWhole<T>(
  path: string,
  overwrite: boolean,
  fill: (write: (bytes: Bytes) => Promise<void>) => Promise<T>,
): Promise<T> {
  const half = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    const result = await writeSynced(half, fill);
    if (overwrite) await Deno.rename(half, path);
    else {
      await Deno.link(half, path); // fails where there is a file
      await Deno.remove(half);
    }
    await syncFolder(dirname(path));
    return result;
  } catch (cause) {
    await Deno.remove(half).catch(() => {}); // it may not be there
    if (cause instanceof Deno.errors.AlreadyExists) {
      throw isThere(path, { cause });
    }
    throw cause;
  }
}

/** A new file, on the disk. */
async function writeSynced<T>(
  path: string,
  fill: (write: (bytes: Bytes) => Promise<void>) => Promise<T>,
): Promise<T> {
  using file = await Deno.open(path, {
    write: true,
    createNew: true,
    mode: 0o600,
  });
  const result = await fill(writeAllTo(file));
  await file.sync();
  return result;
}

/** Writes all of each piece, not as much as fits. */
export function writeAllTo(
  file: { write(bytes: Bytes): Promise<number> },
): (bytes: Bytes) => Promise<void> {
  return async (bytes) => {
    for (let left = bytes; left.length > 0;) {
      left = left.subarray(await file.write(left));
    }
  };
}

/** Puts a folder's names on the disk, where it can be opened: on Windows not. */
async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path).catch(() => null);
  await folder?.sync();
}
