/** A directory for one test. */
import { join } from "node:path";

/** Removed, with everything in it, when it goes out of use. */
export class TempDirectory implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<TempDirectory> {
    return new TempDirectory(await Deno.makeTempDir({ prefix: "restante-" }));
  }

  /** The path of something in it. */
  file(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
