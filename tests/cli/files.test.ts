/** Files that must survive: what is on the disk when, and who can read it. */
import assert from "node:assert/strict";
import { FileExistsError, writeSecret } from "../../cli/files.ts";
import { TempDirectory } from "../kv/temp_directory.ts";

const CONTENT = new TextEncoder().encode("a key");

/** Notes what is synced while something is done, and what is at a path then. */
async function syncedWhile(
  path: string,
  work: () => Promise<void>,
): Promise<string[]> {
  const notes: string[] = [];
  const real = Deno.FsFile.prototype.sync;
  Deno.FsFile.prototype.sync = async function () {
    const { isDirectory, size } = await this.stat();
    const there = await Deno.readTextFile(path).catch(() => null);
    notes.push(`${isDirectory ? "folder" : `${size} bytes`}, ${there}`);
    await real.call(this);
  };
  try {
    await work();
  } finally {
    Deno.FsFile.prototype.sync = real;
  }
  return notes;
}

const namesIn = async (folder: string) =>
  (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name)
    .toSorted();

for (const overwrite of [false, true]) {
  const how = overwrite ? "over another" : "where there is none";
  Deno.test(`writeSecret() ${how} survives a loss of power at every moment`, async () => {
    await using directory = await TempDirectory.make();
    const path = directory.file("secret");
    if (overwrite) await Deno.writeTextFile(path, "old", { mode: 0o644 });
    const notes = await syncedWhile(
      path,
      () => writeSecret(path, CONTENT, overwrite),
    );
    assert.deepEqual(notes, [
      `5 bytes, ${overwrite ? "old" : null}`, // the content before its name
      "folder, a key", // and then the name
    ]);
    assert.deepEqual(await Deno.readFile(path), CONTENT);
    const { mode, nlink } = await Deno.stat(path);
    assert.deepEqual([(mode ?? 0) & 0o777, nlink], [0o600, 1]);
    assert.deepEqual(await namesIn(directory.path), ["secret"]);
  });
}

Deno.test("writeSecret() overwrites nothing unless it may, and leaves no half", async () => {
  await using directory = await TempDirectory.make();
  const path = directory.file("secret");
  await Deno.writeTextFile(path, "old");
  await assert.rejects(writeSecret(path, CONTENT, false), (error) => {
    assert.ok(error instanceof FileExistsError);
    assert.equal(error.code, "file-exists");
    assert.equal(
      error.message,
      `${path} is there already; --force overwrites it`,
    );
    return true;
  });
  assert.equal(await Deno.readTextFile(path), "old");
  assert.deepEqual(await namesIn(directory.path), ["secret"]);
});

Deno.test("writeSecret() says what cannot be written, and leaves no half", async () => {
  await using directory = await TempDirectory.make();
  const folder = directory.file("folder");
  await Deno.mkdir(folder);
  await assert.rejects(writeSecret(folder, CONTENT, true), {
    message: /^.*\/folder cannot be written: .*directory/,
  });
  await assert.rejects(writeSecret(`${folder}/no/file`, CONTENT, true), {
    message: /\/no\/file cannot be written: /,
  });
  assert.deepEqual(await namesIn(directory.path), ["folder"]);
  assert.deepEqual(await namesIn(folder), []);
});

Deno.test("writeSecret() that cannot sync leaves what was there", async () => {
  await using directory = await TempDirectory.make();
  const path = directory.file("secret");
  await Deno.writeTextFile(path, "old");
  const real = Deno.FsFile.prototype.sync;
  Deno.FsFile.prototype.sync = () =>
    Promise.reject(new Error("the disk is full"));
  try {
    await assert.rejects(writeSecret(path, CONTENT, true), {
      message: `${path} cannot be written: the disk is full`,
    });
  } finally {
    Deno.FsFile.prototype.sync = real;
  }
  assert.equal(await Deno.readTextFile(path), "old");
  assert.deepEqual(await namesIn(directory.path), ["secret"]);
});
