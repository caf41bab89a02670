/** Backups in memory, for the tests. */
import { type BackupCounts, backupStore } from "../../../kv/backup/backup.ts";
import {
  checkBackup,
  type RestoredStore,
  restoreStore,
} from "../../../kv/backup/restore.ts";
import type { Store } from "../../../kv/store/store.ts";
import { DEFAULT_WINDOW } from "../../../lib/work/check.ts";
import { NOW } from "../message_maker.ts";

/** A backup and what it counted. */
export interface Copy {
  readonly file: Uint8Array<ArrayBuffer>;
  readonly counts: BackupCounts;
}

/** Backs a store up. */
export async function copyOf(store: Store, now = NOW): Promise<Copy> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const counts = await backupStore(store, {
    now: () => now,
    write(bytes) {
      parts.push(bytes);
      return Promise.resolve();
    },
  });
  return { file: await new Blob(parts).bytes(), counts };
}

/** The lines of a backup, as they are written. */
export function linesIn(file: Uint8Array): string[] {
  return new TextDecoder().decode(file).trimEnd().split("\n");
}

/** How a file in memory is read. */
export const options = (file: Uint8Array, now: number) => ({
  // In pieces that do not end where lines do.
  async *read() {
    for (let start = 0; start < file.length; start += 10_000) {
      yield await Promise.resolve(file.subarray(start, start + 10_000));
    }
  },
  now: () => now,
  workWindow: DEFAULT_WINDOW.back + DEFAULT_WINDOW.ahead,
});

/** Only checks a backup. */
export async function check(file: Uint8Array): Promise<void> {
  await checkBackup(options(file, NOW));
}

/** Checks a backup and restores it. */
export async function restoreInto(
  store: Store,
  file: Uint8Array,
  now = NOW,
): Promise<RestoredStore> {
  return await restoreStore(store, await checkBackup(options(file, now)));
}
