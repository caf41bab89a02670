/** Small disks of their own, which can be filled and fail as real ones do. */
import { join } from "node:path";
import { TempDirectory } from "../kv/temp_directory.ts";

/** Runs a program; throws what it said if it fails. */
async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args })
    .output();
  if (success) return;
  throw new Error(`${program} ${args}: ${new TextDecoder().decode(stderr)}`);
}

/** Whether this process may mount; says so loudly if it may not. */
export async function mayMount(): Promise<boolean> {
  try {
    await using _disk = await Disk.make(1);
    return true;
  } catch (error) {
    console.error(
      `\n*** NOT RUN: what a relay does on a full or read-only disk. ` +
        `It takes root and loop devices. ***\n${error}`,
    );
    return false;
  }
}

/** An ext4 file system in a file, mounted. */
export class Disk implements AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  readonly #directory: TempDirectory;
  readonly #image: string;
  #isMounted = false;

  private constructor(directory: TempDirectory) {
    this.#directory = directory;
    this.#image = directory.file("image");
    this.path = directory.file("disk");
  }

  /** Makes and mounts one of so many MiB. */
  static async make(mebibytes: number): Promise<Disk> {
    const disk = new Disk(await TempDirectory.make());
    try {
      await Deno.writeFile(disk.#image, new Uint8Array(0));
      await Deno.truncate(disk.#image, mebibytes * 2 ** 20);
      // No blocks for root, or only others would find it full.
      await run("mkfs.ext4", "-q", "-m", "0", disk.#image);
      await Deno.mkdir(disk.path);
      await disk.mount("rw");
      return disk;
    } catch (error) {
      await disk[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The path of a file on it. */
  file(name: string): string {
    return join(this.path, name);
  }

  async mount(mode: "rw" | "ro"): Promise<void> {
    await run("mount", "-o", `loop,${mode}`, this.#image, this.path);
    this.#isMounted = true;
  }

  async unmount(): Promise<void> {
    await run("umount", this.path);
    this.#isMounted = false;
  }

  /**
   * Read-only from now on, for those too who have files open, and nothing that
   * was not on the disk gets there: what ext4 does when a disk fails under it.
   */
  async fail(): Promise<void> {
    await run("mount", "-o", "remount,abort", this.path);
  }

  /** Takes all room that is left. */
  async fill(): Promise<void> {
    using filler = await Deno.open(this.file("filler"), {
      create: true,
      append: true,
    });
    for (const size of [2 ** 20, 4_096, 1]) {
      const bytes = new Uint8Array(size);
      while (await hasRoom(filler, bytes));
    }
    await filler.sync().catch(() => {}); // what is written is enough
  }

  /** Gives it back. */
  async empty(): Promise<void> {
    await Deno.remove(this.file("filler"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isMounted) await this.unmount();
    await this.#directory[Symbol.asyncDispose]();
  }
}

async function hasRoom(file: Deno.FsFile, bytes: Uint8Array): Promise<boolean> {
  try {
    return await file.write(bytes) === bytes.length;
  } catch {
    return false;
  }
}
