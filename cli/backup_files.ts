/** Reading backups: files that are too large to be read at once. */
import type { Bytes } from "../lib/bytes.ts";
import { writeAllTo } from "./files.ts";

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
