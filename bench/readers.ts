/**
 * Memory of readers that wait, by events and by WebSocket, beside that of a
 * server which answers the same and does nothing else: the platform's own.
 */
import { generateSigningKey } from "../lib/signing_key.ts";
import { count, printTable } from "./measure.ts";
import { holdReaders, startServer } from "./processes.ts";

/** Readers that are there before: what the code takes is not theirs. */
const WARM = 100;
/** With the first of them the heap also takes what it will have spare. */
const READERS = [2_000, 4_000] as const;

/** Prints one table: KiB of a process's own that a reader takes. */
export async function benchReaders(): Promise<void> {
  const [first, more] = READERS.map(count);
  const rows = [[
    "transport",
    `first ${first}`,
    `next ${more}`,
    "bare, first",
    "bare, next",
  ]];
  for (const transport of ["events", "socket"] as const) {
    const ours = await measureReaders("relay", transport);
    const bare = await measureReaders("bare", transport);
    rows.push([transport, ...[...ours, ...bare].map((kib) => kib.toFixed(1))]);
  }
  printTable("Memory of readers that wait, in KiB", rows);
}

/** KiB of the server's that one reader takes, for each of {@link READERS}. */
async function measureReaders(
  kind: "relay" | "bare",
  transport: "events" | "socket",
): Promise<number[]> {
  const signingKey = await generateSigningKey();
  await using held = new AsyncDisposableStack();
  const server = held.use(await startServer(kind, ":memory:", signingKey));
  const hold = async (count: number) =>
    held.use(
      await holdReaders({ url: server.url, transport, signingKey, count }),
    );
  await hold(WARM);
  const each: number[] = [];
  let before = await server.memory();
  for (const count of READERS) {
    await hold(count);
    const after = await server.memory();
    each.push((after - before) / count / 1_024);
    before = after;
  }
  return each;
}
