/**
 * From the commit to the reader's page, inside one process, beside a bare
 * `kv.watch` of one key. A page that comes before the caller hears of its commit
 * counts as 0 ms.
 */
import { commitMessage } from "../kv/commit.ts";
import { Doorbells } from "../kv/doorbells.ts";
import { follow } from "../kv/follow.ts";
import { openStore } from "../kv/store.ts";
import { type MailboxId, mailboxIdOf, messageIdOf } from "../lib/ids.ts";
import { systemRandom } from "../lib/random.ts";
import { printTable } from "./measure.ts";

const READERS = [1, 1_000, 10_000];
const SAMPLES = 300;

/** Prints one table. */
export async function benchNotify(): Promise<void> {
  const folder = await Deno.makeTempDir();
  const rows = [[
    "readers",
    "p50 ms",
    "p99 ms",
    "bare p50",
    "bare p99",
    "p50 to bare",
  ]];
  try {
    for (const readers of READERS) {
      const ours = await timeFollowers(`${folder}/${readers}.kv`, readers);
      const bare = await timeWatch(`${folder}/bare${readers}.kv`);
      rows.push([
        readers.toLocaleString("en"),
        ...[ours.p50, ours.p99, bare.p50, bare.p99].map((ms) => ms.toFixed(2)),
        `${(ours.p50 / bare.p50).toFixed(2)} ×`,
      ]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  console.log("\nFrom the commit's end to the reader's event");
  printTable(rows);
}

interface Times {
  p50: number;
  p99: number;
}

function timesOf(samples: number[]): Times {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.floor(share * (sorted.length - 1))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

async function timeFollowers(file: string, count: number): Promise<Times> {
  using store = await openStore(file);
  await using doorbells = new Doorbells(store);
  const end = new AbortController();
  const boxes = Array.from(
    { length: count },
    () => mailboxIdOf(systemRandom(32)),
  );
  const arrivals = new Map<MailboxId, (at: number) => void>();
  const opened: Promise<void>[] = [];
  const readers = boxes.map((mailbox) => {
    const open = Promise.withResolvers<void>();
    opened.push(open.promise);
    return (async () => {
      const pages = follow(store, doorbells, {
        mailbox,
        after: null,
        limit: 100,
        bandwidth: Infinity,
        now: Date.now,
        signal: end.signal,
      });
      for await (const page of pages) {
        open.resolve();
        if (page !== null && page.messages.length > 0) {
          arrivals.get(mailbox)?.(performance.now());
        }
      }
    })();
  });
  await Promise.all(opened);
  const samples: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const mailbox = boxes[Math.floor(Math.random() * count)] as MailboxId;
    const arrived = new Promise<number>((resolve) =>
      arrivals.set(mailbox, resolve)
    );
    await commitMessage(store, {
      id: messageIdOf(systemRandom(32)),
      mailbox,
      body: systemRandom(1_024),
      paid: { by: "work", hashes: 10_000 },
      hold: 3_600,
      minBandwidth: 0,
      priority: "normal",
      workUntil: Date.now(),
    }, Date.now());
    const committed = performance.now();
    samples.push(Math.max(await arrived - committed, 0));
  }
  end.abort();
  await Promise.all(readers);
  return timesOf(samples);
}

/** One watcher of one key, and a read of what it points at. */
async function timeWatch(file: string): Promise<Times> {
  using kv = await Deno.openKv(file);
  const events = kv.watch([["head"]]).getReader();
  await events.read();
  const samples: number[] = [];
  const body = systemRandom(1_024);
  for (let i = 0; i < SAMPLES; i++) {
    const heard = events.read();
    await kv.atomic().set(["head"], i).set(["message", i], body).commit();
    const committed = performance.now();
    await heard;
    await kv.get(["message", i]);
    samples.push(performance.now() - committed);
  }
  await events.cancel();
  return timesOf(samples);
}
