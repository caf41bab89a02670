/**
 * A relay loses its disk: its store is restored from a backup that is older
 * than the cursors of its readers. They miss nothing that the backup has, and
 * nothing that comes after it.
 */
import assert from "node:assert/strict";
import {
  acknowledge,
  makeIdentity,
  readPage,
  type ReceivedPage,
  Relay,
  send,
  Session,
  type StoredMessage,
  verifyReceipt,
} from "../../client/mod.ts";
import { writeAllTo } from "../../cli/files.ts";
import { BackupWriter } from "../../kv/backup/file.ts";
import { keys } from "../../kv/kinds.ts";
import { commitMessage } from "../../kv/mail/accept.ts";
import { openStore } from "../../kv/store/store.ts";
import { type Cursor, parseCursor, placeOf } from "../../lib/cursor.ts";
import { blake3_256 } from "../../lib/hash.ts";
import {
  type MailboxId,
  type MessageId,
  type ObjectHash,
  objectHashOf,
} from "../../lib/ids.ts";
import { newMailbox, newMessage } from "../kv/message_maker.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { HOUR } from "../routes/clock.ts";
import { RelayProcess, restante, restanteJson } from "./process.ts";

const idsIn = ({ messages }: ReceivedPage) => messages.map(({ id }) => id);

/** The envelope of a message, as its owner gets it. */
async function envelopeOf(session: Session, { object }: StoredMessage) {
  const response = await session.fetch(`/v1/objects/${object}`);
  assert.equal(response.status, 200);
  return await response.bytes();
}

Deno.test("a relay restored from an older backup hides no mail from readers with newer cursors", async (t) => {
  await using folder = await TempDirectory.make();
  const file = (name: string) => folder.file(name);
  const store = file("store.kv");
  const restored = file("restored.kv");
  const saved = file("relay.backup");

  let relay = await RelayProcess.start("--port", "0", "--kv", store);
  const { url } = relay;
  try {
    const client = new Relay(url);
    const alice = await makeIdentity(1_024);
    const bob = new Session(client, await makeIdentity(1_024));
    const carol = new Session(client, await makeIdentity(1_024));
    await Promise.all([bob.open(), carol.open()]);
    const post = ({ identity }: Session, size: number) =>
      send({
        relay: client,
        from: alice,
        to: identity.key.publicKey,
        application: "test",
        data: crypto.getRandomValues(new Uint8Array(size)),
        hold: 3_600,
      });
    const descriptor = async () =>
      await (await fetch(`${url}/.well-known/restante`)).json();

    const before = [
      await post(bob, 100),
      await post(bob, 60_000),
      await post(bob, 200),
    ];
    const read = await post(carol, 100);
    const envelopes = await Promise.all([
      ...before.map((sent) => envelopeOf(bob, sent)),
      envelopeOf(carol, read),
    ]);
    await acknowledge(carol, read.cursor, "phone");
    const first = await descriptor();

    await t.step("a relay is backed up while it runs", async () => {
      const { file: _, bytes, ...counts } = await restanteJson<
        Record<string, number>
      >("backup", "--kv", store, saved);
      assert.deepEqual(counts, {
        messages: 3,
        marks: 4,
        mailboxes: 2,
        readers: 1,
        damaged: 0,
      });
      const { mode, size } = await Deno.stat(saved);
      assert.deepEqual([(mode ?? 0) & 0o777, size], [0o600, bytes]);
    });

    await t.step("a backup is not overwritten by accident", async () => {
      const again = await restante(["backup", "--kv", store, saved]);
      assert.equal(again.code, 1);
      assert.match(again.stderr, /--force overwrites it \(file-exists\)\n$/);
      const forced = await restante([
        "backup",
        "--kv",
        store,
        "--force",
        saved,
      ]);
      assert.equal(forced.code, 0);
      assert.match(forced.stdout, /^mail {6}3 messages in 2 mailboxes$/m);
      const names = (await Array.fromAsync(Deno.readDir(folder.path)))
        .map(({ name }) => name);
      assert.deepEqual(names.filter((name) => name.endsWith(".tmp")), []);
    });

    await t.step(
      "a file that is there is told before anything is done",
      async () => {
        const { stderr } = await restante(
          ["backup", "--kv", file("nothing.kv"), saved],
        );
        assert.match(stderr, /\(file-exists\)\n$/);
      },
    );

    await t.step("settings that are another's may be wrong", async () => {
      const wrong = { RESTANTE_MAILBOX_BYTES: "many", PORT: "none" };
      const path = file("settings");
      for (
        const args of [
          ["backup", "--kv", store, path],
          ["restore", "--kv", `${path}.kv`, path],
          ["new-epoch", "--kv", `${path}.kv`],
        ]
      ) {
        const { code, stderr } = await restante(args, undefined, wrong);
        assert.equal(code, 0, stderr);
      }
    });

    await t.step("a backup of nothing is none", async () => {
      const path = file("nothing.kv");
      const { code, stderr } = await restante([
        "backup",
        "--kv",
        path,
        file("nothing"),
      ]);
      assert.equal(code, 1);
      assert.match(stderr, /\(store-missing\)\n$/);
      await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
    });

    const lost = await post(bob, 100); // after the backup
    const newer = await readPage(bob, null);
    assert.equal(newer.messages.length, 4);
    assert.equal(newer.next, lost.cursor);
    await relay.end("SIGKILL");

    await t.step(
      "a damaged backup is refused before there is a store",
      async () => {
        const bytes = await Deno.readFile(saved);
        const at = Math.floor(bytes.length / 2);
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        await Deno.writeFile(file("altered"), bytes);
        const { code, stdout, stderr } = await restante([
          "restore",
          "--kv",
          restored,
          file("altered"),
        ]);
        assert.deepEqual([code, stdout], [1, ""]);
        assert.match(
          stderr,
          /^error: the backup is damaged: .*\(backup-damaged\)\n$/,
        );
        await assert.rejects(Deno.stat(restored), Deno.errors.NotFound);
      },
    );

    await t.step("a store in use is not restored into", async () => {
      const { code, stderr } = await restante([
        "restore",
        "--kv",
        store,
        saved,
      ]);
      assert.equal(code, 1);
      assert.match(stderr, /\(store-not-empty\)\n$/);
    });

    await t.step("the backup is restored, from a file or a pipe", async () => {
      const counts = {
        messages: 3,
        marks: 1,
        mailboxes: 2,
        readers: 1,
        expired: 0,
      };
      const { kv: _, epoch, madeAt, ...made } = await restanteJson<
        Record<string, unknown>
      >("restore", "--kv", restored, saved);
      assert.deepEqual(made, counts);
      assert.match(String(epoch), /^[0-9a-f]{12}$/);
      assert.ok(Number(madeAt) <= Date.now());
      const piped = await restante(
        ["restore", "--kv", file("piped.kv"), "--json", "-"],
        await Deno.readFile(saved),
      );
      assert.equal(piped.code, 0, piped.stderr);
      // Keys are in it: what is kept meanwhile is gone, whatever came of it.
      const spool = file("spool");
      await Deno.mkdir(spool);
      const bytes = await Deno.readFile(saved);
      for (const [cut, code] of [[0, 0], [1, 1]] as const) {
        const { code: own } = await restante(
          ["restore", "--kv", file(`spooled-${cut}.kv`), "-"],
          bytes.subarray(cut),
          { TMPDIR: spool },
        );
        assert.equal(own, code);
        assert.deepEqual(await Array.fromAsync(Deno.readDir(spool)), []);
      }
      const onward = await restante(["backup", "--kv", file("piped.kv"), "-"]);
      assert.equal(onward.code, 0, onward.stderr);
      assert.match(onward.stdout, /^\{"format":"restante-backup","version":2,/);
      assert.match(onward.stderr, /^backup {4}-\nmail {6}3 messages in 2/);
      const document = await restante(
        ["backup", "--kv", file("piped.kv"), "--json", "-"],
      );
      assert.partialDeepStrictEqual(JSON.parse(document.stderr), {
        file: "-",
        messages: 3,
        mailboxes: 2,
      });
    });

    relay = await RelayProcess.start(
      "--port",
      new URL(url).port,
      "--kv",
      restored,
    );
    await t.step("it is the same relay, with the same keys", async () => {
      const now = await descriptor();
      assert.deepEqual([now.id, now.keys], [first.id, first.keys]);
    });

    await t.step(
      "a reader with a newer cursor is reset, and gets all mail once",
      async () => {
        const fresh = await post(bob, 100);
        const page = await readPage(bob, newer.next);
        assert.equal(page.reset, true);
        assert.deepEqual(idsIn(page), [
          ...before.map(({ id }) => id),
          fresh.id,
        ]);
        for (const { failure } of page.messages) assert.equal(failure, null);
        const cursors = page.messages.map(({ cursor }) => cursor);
        assert.deepEqual(cursors, cursors.toSorted());
        const on = await readPage(bob, cursors[1] ?? "");
        assert.equal(on.reset, false);
        assert.deepEqual(idsIn(on), [before[2]?.id, fresh.id]);
      },
    );

    await t.step(
      "a message sent again gets the receipt that it had, and it verifies",
      async () => {
        for (const [i, sent] of [...before, read].entries()) {
          const response = await fetch(`${url}/v1/messages?hold=3600`, {
            method: "POST",
            headers: { "Content-Type": "application/vnd.minima.maxtxpow" },
            body: envelopes[i] ?? "",
          });
          assert.equal(response.status, 200);
          const { receipt, cursor } = await response.json();
          assert.deepEqual([receipt, cursor], [sent.receipt, sent.cursor]);
          const { jti } = await verifyReceipt(
            receipt,
            await client.verifyingKey(),
          );
          assert.equal(jti, sent.id);
        }
      },
    );

    await t.step(
      "what was acknowledged stays so, and what is there can be",
      async () => {
        assert.deepEqual(idsIn(await readPage(carol, null)), []);
        const { id, cursor } = await post(carol, 100);
        assert.deepEqual(idsIn(await readPage(carol, null)), [id]);
        await acknowledge(carol, cursor, "phone");
        const { next } = await readPage(bob, null);
        await acknowledge(bob, next, "phone");
        for (const reader of [bob, carol]) {
          assert.deepEqual(idsIn(await readPage(reader, null)), []);
        }
      },
    );

    await t.step(
      "keys can still be proven, new ones and known ones",
      async () => {
        const dave = new Session(new Relay(url), await makeIdentity(1_024));
        assert.equal((await dave.open()).created, true);
        const again = new Session(new Relay(url), bob.identity);
        assert.equal((await again.open()).created, false);
        const { id } = await post(dave, 100);
        assert.deepEqual(idsIn(await readPage(dave, null)), [id]);
      },
    );
  } finally {
    await relay[Symbol.asyncDispose]();
  }
});

Deno.test("restore reckons with the relay's own window, where a backup does not say how long work could be sent again", async (t) => {
  await using folder = await TempDirectory.make();
  const storedAt = Date.now();
  const body = new Uint8Array(100);
  const cursor = `${"a".repeat(12)}-${"0".repeat(19)}1` as Cursor;
  const id = "1".repeat(64) as MessageId;
  const file = folder.file("old.backup");
  using output = await Deno.open(file, { write: true, createNew: true });
  const writer = new BackupWriter(writeAllTo(output));
  await writer.begin({ epoch: "a".repeat(12), madeAt: storedAt });
  await writer.add({
    kind: "message",
    place: placeOf(parseCursor(cursor)),
    id,
    minBandwidth: 0,
    priority: "normal",
    facts: {
      mailbox: "2".repeat(64) as MailboxId,
      object: objectHashOf(blake3_256(body)),
      size: body.length,
      storedAt,
      holdUntil: storedAt + HOUR,
      paid: { by: "work", hashes: 10_000 },
      cursor,
    },
    body,
  });
  await writer.end();
  const windows: [args: string[], milliseconds: number][] = [
    [[], 26 * HOUR],
    [["--work-window", "7200"], 4 * HOUR],
  ];
  for (const [args, window] of windows) {
    await t.step(args.join(" ") || "by default", async () => {
      const path = folder.file(`${window}.kv`);
      await restanteJson("restore", "--kv", path, ...args, file);
      using store = await openStore(path);
      const { value } = await store.get(keys.seen(id));
      assert.equal(value?.workUntil, storedAt + window);
    });
  }
});

Deno.test("backup warns of each message that is damaged in the store, be it one", async (t) => {
  await using folder = await TempDirectory.make();
  const path = folder.file("store.kv");
  const objects: ObjectHash[] = [];
  {
    using store = await openStore(path);
    const mailbox = newMailbox();
    for (let i = 0; i < 3; i++) {
      const { message } = await commitMessage(
        store,
        newMessage(mailbox, 70_000),
        Date.now(),
      );
      objects.push(message.object);
    }
  }
  for (const [damaged, object] of [null, ...objects.slice(1)].entries()) {
    await t.step(`${damaged} of 3`, async () => {
      if (object !== null) {
        using store = await openStore(path);
        await store.commit((operation) =>
          operation.delete(keys.segment(object, 0))
        );
      }
      const { code, stdout, stderr } = await restante(
        ["backup", "--kv", path, folder.file(`${damaged}.backup`)],
      );
      assert.equal(code, 0);
      assert.ok(stdout.includes(`mail      ${3 - damaged} messages`), stdout);
      assert.equal(
        stderr,
        damaged === 0
          ? ""
          : `warning: ${damaged} messages were left out: they are damaged in the store\n`,
      );
    });
  }
});
