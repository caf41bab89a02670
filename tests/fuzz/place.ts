/** Where the store of a schedule is: in a file, or with a server. */
import { DenoKv } from "../cluster/denokv.ts";
import { TempDirectory } from "../kv/temp_directory.ts";

/** A store's place; it is gone once it goes out of use. */
export interface Place extends AsyncDisposable {
  /** What a relay opens. */
  readonly kv: string;
  /** What keeps it, if that can be killed and started again. */
  readonly server: DenoKv | null;
}

/** What is kept of a place, as a command line says it. */
export type PlaceKind = "file" | "denokv";

/** The environment variable from which a relay takes its access token. */
const TOKEN = "DENO_KV_ACCESS_TOKEN";

/** A new place for a store. */
export async function makePlace(kind: PlaceKind): Promise<Place> {
  if (kind === "file") {
    const directory = await TempDirectory.make();
    return {
      kv: directory.file("fuzz.kv"),
      server: null,
      [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
    };
  }
  const server = await DenoKv.start();
  Deno.env.set(TOKEN, server.token);
  return {
    kv: server.url,
    server,
    async [Symbol.asyncDispose]() {
      Deno.env.delete(TOKEN);
      await server[Symbol.asyncDispose]();
    },
  };
}
