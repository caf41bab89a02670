/** Restores that fail: at whichever commit, the store is never taken for whole. */
import assert from "node:assert/strict";
import { restoreStore } from "../../../kv/backup/restore.ts";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { deleteMessage } from "../../../kv/mail/delete.ts";
import { keys } from "../../../kv/kinds.ts";
import { completeHandshake } from "../../../kv/mail/mailboxes.ts";
import { acknowledge } from "../../../kv/mail/readers.ts";
import { type Database, DatabaseError } from "../../../kv/store/database.ts";
import { openDatabase } from "../../../kv/store/deno_kv.ts";
import { HalfRestoredError } from "../../../kv/store/record.ts";
import { openStore } from "../../../kv/store/store.ts";
import { checkBackup } from "../../../kv/backup/restore.ts";
import { START_VERSIONSTAMP } from "../../../lib/cursor.ts";
import { parseCursor } from "../../../lib/cursor.ts";
import { mailboxIdOf } from "../../../lib/ids.ts";
import { HOUR, MINUTE } from "../../routes/clock.ts";
import { randomBytes } from "../../routes/envelopes.ts";
import { around } from "../../fuzz/failures.ts";
import { newMessage, NOW } from "../message_maker.ts";
import { assertWhole } from "../recount.ts";
import { TempDirectory } from "../temp_directory.ts";
import { copyOf, options } from "./backup_copy.ts";

/** A backup of all that there is: mail, tombstones, marks, readers, keys. */
async function fullBackup(): Promise<Uint8Array<ArrayBuffer>> {
  using store = await openStore(":memory:");
  const publicKey = randomBytes(44);
  const mailbox = mailboxIdOf(publicKey);
  const id = (NOW + MINUTE).toString(16).padStart(12, "0") + "ab".repeat(28);
  const handshake = { id, expires: NOW + MINUTE, publicKey };
  await completeHandshake(store, handshake, NOW);
  const post = async (size: number, hold = 3_600) => {
    const draft = newMessage(mailbox, size, { hold, workUntil: NOW + HOUR });
    return (await commitMessage(store, draft, NOW)).message;
  };
  await post(100);
  await post(70_000);
  await post(100, 0);
  const gone = await post(100);
  await deleteMessage(store, mailbox, parseCursor(gone.cursor), NOW);
  const start = { epoch: store.epoch, versionstamp: START_VERSIONSTAMP };
  await acknowledge(store, mailbox, "phone", start, NOW);
  await store.commit((operation) =>
    operation.set(keys.relayKeys(), { signing: randomBytes(48) })
  );
  return (await copyOf(store)).file;
}

/** Fails every commit from the one of that number on; counts them. */
class FailingDisk {
  commits = 0;
  failsAt = Infinity;

  readonly open = async (location: string): Promise<Database> => {
    const database = await openDatabase(location);
    return around(database, {
      commit: (operation) => {
        this.commits += 1;
        if (this.commits < this.failsAt) return database.commit(operation);
        const cause = new Error("the disk is full");
        throw new DatabaseError("failed", { cause });
      },
    });
  };
}

Deno.test("a restore that fails at any of its commits leaves a store that nobody can open", async () => {
  await using directory = await TempDirectory.make();
  const checked = await checkBackup(options(await fullBackup(), NOW));
  let failures = 0;
  for (let n = 1;; n++) {
    const path = directory.file(`${n}.kv`);
    const disk = new FailingDisk();
    let isWhole: boolean;
    {
      using store = await openStore(path, { open: disk.open });
      disk.failsAt = disk.commits + n;
      isWhole = await restoreStore(store, checked).then(
        () => true,
        (error) => {
          assert.equal(error.code, "busy", String(error));
          return false;
        },
      );
    }
    if (isWhole) break;
    failures += 1;
    // The first commit says that the store is not whole: before it there is
    // nothing, and the restore can be begun again.
    if (n === 1) (await openStore(path))[Symbol.dispose]();
    else await assert.rejects(openStore(path), HalfRestoredError, `at ${n}`);
  }
  assert.ok(failures >= 7, `it failed at ${failures} commits`);
  using store = await openStore(directory.file(`${failures + 1}.kv`));
  await assertWhole(store);
});
