/** The files of backups: too large to be read at once, and secret. */
import { dirname } from "node:path";
import type { Bytes } from "../lib/bytes.ts";
import { FileExistsError, syncFolder } from "./files.ts";

/** Says that a file is there, which is not to be overwritten. */
function exists(path: string, options?: ErrorOptions): FileExistsError {
  return new FileExistsError(
    `${path} is there already; --force overwrites it`,
    options,
  );
}

/** Fails early, before there is anything to write. @throws {FileExistsError} */
export async function refuseExisting(path: string): Promise<void> {
  const there = await Deno.lstat(path).catch(() => null);
  if (there !== null) throw exists(path);
}

/** Writes a file that only its owner can read, whole and on the disk, or not. */
export async function writeWhole<T>(
  path: string,
  overwrite: boolean,
  fill: (write: (bytes: Bytes) => Promise<void>) => Promise<T>,
): Promise<T> {
  const half = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    const result = await (async () => {
      using file = await Deno.open(half, {
        write: true,
        createNew: true,
        mode: 0o600,
      });
      const result = await fill(writeAllTo(file));
      await file.sync();
      return result;
    })();
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
      throw exists(path, { cause });
    }
    throw cause;
  }
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

/**
 * A backup as a file that can be read again from its start. What comes from
 * standard input is kept meanwhile in a file without a name.
 */
export async function openBackup(path: string): Promise<Deno.FsFile> {
  if (path !== "-") return await Deno.open(path);
  const spool = await Deno.makeTempFile(); // for its owner alone
  const file = await Deno.open(spool, { read: true, write: true });
  try {
    await Deno.remove(spool);
    const write = writeAllTo(file);
    for await (const chunk of Deno.stdin.readable) await write(chunk);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

const CHUNK_BYTES = 2 ** 18;

/** The pieces of a file, from its start. */
export async function* chunksOf(file: Deno.FsFile): AsyncGenerator<Bytes> {
  await file.seek(0, Deno.SeekMode.Start);
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const length = await file.read(chunk);
    if (length === null) return;
    yield chunk.subarray(0, length);
  }
}
