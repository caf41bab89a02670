/** Files that are written whole: on the disk, and their owner's alone. */
import assert from "node:assert/strict";
import {
  FileExistsError,
  refuseExisting,
  writeAllTo,
  writeWhole,
} from "../../cli/files.ts";
import { TempDirectory } from "../kv/temp_directory.ts";

/** What is done to files, in order, as the system is asked for it. */
class FileSpy implements Disposable {
  readonly events: string[] = [];
  readonly #former = {
    link: Deno.link,
    rename: Deno.rename,
    sync: Deno.FsFile.prototype.sync,
    write: Deno.FsFile.prototype.write,
  };

  constructor() {
    const { events } = this;
    const { link, rename, sync, write } = this.#former;
    Deno.link = (...args) => {
      events.push("link");
      return link(...args);
    };
    Deno.rename = (...args) => {
      events.push("rename");
      return rename(...args);
    };
    Deno.FsFile.prototype.sync = async function () {
      const { isFile } = await this.stat();
      events.push(isFile ? "sync" : "sync folder");
      return await sync.call(this);
    };
    Deno.FsFile.prototype.write = function (bytes) {
      events.push("write");
      return write.call(this, bytes);
    };
  }

  [Symbol.dispose](): void {
    const { link, rename, sync, write } = this.#former;
    Object.assign(Deno, { link, rename });
    Object.assign(Deno.FsFile.prototype, { sync, write });
  }
}

const BYTES = new TextEncoder().encode("a backup");

for (
  const [overwrite, naming] of [[false, "link"], [true, "rename"]] as const
) {
  Deno.test(`writeWhole() has the bytes on the disk before their name, and then that: ${naming}`, async () => {
    await using directory = await TempDirectory.make();
    const path = directory.file("relay.backup");
    using spy = new FileSpy();
    const result = await writeWhole(path, overwrite, async (write) => {
      await write(BYTES);
      return 7;
    });
    assert.equal(result, 7);
    assert.deepEqual(spy.events, ["write", "sync", naming, "sync folder"]);
    assert.deepEqual(await Deno.readFile(path), BYTES);
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  });
}

Deno.test("a backup that fails leaves no file, and the former one as it was", async () => {
  await using directory = await TempDirectory.make();
  const path = directory.file("relay.backup");
  await Deno.writeFile(path, BYTES);
  const full = new Error("the disk is full");
  const failing = writeWhole(path, true, async (write) => {
    await write(new Uint8Array(10));
    throw full;
  });
  await assert.rejects(failing, full);
  const names = await Array.fromAsync(Deno.readDir(directory.path));
  assert.deepEqual(names.map(({ name }) => name), ["relay.backup"]);
  assert.deepEqual(await Deno.readFile(path), BYTES);
});

Deno.test("writeAllTo() writes all of each piece, to whatever takes only a part", async () => {
  const taken: number[] = [];
  const write = writeAllTo({
    write(bytes) {
      const part = bytes.subarray(0, 3);
      taken.push(...part);
      return Promise.resolve(part.length);
    },
  });
  await write(BYTES);
  await write(new Uint8Array());
  await write(BYTES.subarray(0, 1));
  assert.deepEqual(taken, [...BYTES, ...BYTES.subarray(0, 1)]);
});

Deno.test("a backup that is written over another made meanwhile is refused, and leaves no half", async () => {
  await using directory = await TempDirectory.make();
  const path = directory.file("relay.backup");
  await refuseExisting(path);
  const writing = writeWhole(path, false, async (write) => {
    await write(BYTES);
    await Deno.writeTextFile(path, "another");
  });
  await assert.rejects(writing, FileExistsError);
  await assert.rejects(refuseExisting(path), FileExistsError);
  assert.equal(await Deno.readTextFile(path), "another");
  const names = await Array.fromAsync(Deno.readDir(directory.path));
  assert.deepEqual(names.map(({ name }) => name), ["relay.backup"]);
});
