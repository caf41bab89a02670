/**
 * Posting over HTTP to workers whose store is a real denokv, at some distance,
 * beside what that server takes over the same network: bare batches of as many
 * rows as a commit of its may check, and bare atomics one by one, as many at
 * once as there are messages under way.
 */
import type { MailboxId } from "../lib/ids.ts";
import { generateSigningKey } from "../lib/signing_key.ts";
import { DenoKv } from "../tests/cluster/denokv.ts";
import { writeBare } from "./bare_rows.ts";
import { makeOwners, openMailboxes, writeMessages } from "./mail_file.ts";
import { count as shown, printTable } from "./measure.ts";
import type { Posted } from "./posting.ts";
import {
  type Network,
  type Poster,
  type Server,
  startNetwork,
  startPoster,
  startServer,
} from "./processes.ts";
import { SETTINGS } from "./post.ts";

/** Milliseconds that every answer of the server is late. */
const DELAYS = [0, 20, 50];
const WORKERS = [1, 4];
const MAILBOXES = [64, 1];
/** Posters, and how many messages they post. */
const POSTERS = new Map([[64, 2_000], [256, 4_000]]);
/** Messages before anything is timed: a store's distance is learnt from them. */
const WARM = 2_000;
/** Sealed bytes of a message: with its work it has 2,250. */
const SEALED = 1_120;
const MESSAGE = 2_250;
/** Checks that denokv takes of one operation. */
const BATCH = 10;

const TOKEN = "DENO_KV_ACCESS_TOKEN";

/** Prints a table for several mailboxes, and one for one. */
export async function benchPostToDenoKv(): Promise<void> {
  for (const mailboxes of MAILBOXES) {
    const folder = await Deno.makeTempDir();
    try {
      await benchMailboxes(`${folder}/mail`, mailboxes);
    } finally {
      await Deno.remove(folder, { recursive: true });
      Deno.env.delete(TOKEN);
    }
  }
}

async function benchMailboxes(file: string, mailboxes: number): Promise<void> {
  const owners = await makeOwners(mailboxes);
  const total = [...POSTERS.values()].reduce((sum, one) => sum + one, 0);
  const count = WARM + total;
  await writeMessages(file, owners, { count, bytes: SEALED });
  await using poster = await startPoster(file);
  const rows = [HEAD];
  for (const workers of WORKERS) {
    for (const delay of DELAYS) {
      // A store for each, and so the same messages again.
      await using denokv = await DenoKv.start();
      Deno.env.set(TOKEN, denokv.token);
      const boxes = await openMailboxes(denokv.url, owners);
      await using network = await startNetwork(denokv.url);
      await network.delay(delay / 2);
      const bench = new Bench(network, poster, boxes);
      rows.push(...await bench.run(delay, workers));
    }
  }
  const to = mailboxes === 1 ? "one mailbox" : `${mailboxes} mailboxes`;
  printTable(
    `Posting messages of ${shown(MESSAGE)} bytes to ${to}, on denokv`,
    rows,
  );
}

const HEAD = [
  "delay ms",
  "workers",
  "posters",
  "posts/s",
  "p50 ms",
  "p99 ms",
  "batches under way",
  "messages a batch",
  "ms a commit",
  "reads a post",
  "ms a read",
  "bare batches: messages/s",
  "bare atomics/s",
  "to batches",
];

/** Sums of what workers count, by the names of their metrics. */
type Counts = Readonly<Record<typeof COUNTED[number], number>>;

const COUNTED = [
  "restante_commit_seconds_sum",
  "restante_commit_seconds_count",
  "restante_commit_batch_parts_sum",
  "restante_commit_batch_parts_count",
  "restante_read_seconds_sum",
  "restante_read_seconds_count",
] as const;

class Bench {
  #next = 0;

  constructor(
    readonly network: Network,
    readonly poster: Poster,
    readonly boxes: readonly MailboxId[],
  ) {}

  async run(delay: number, workers: number): Promise<string[][]> {
    const signingKey = await generateSigningKey();
    await using starting = new AsyncDisposableStack();
    const started = await Promise.all(Array.from({ length: workers }, () => {
      const settings = { ...SETTINGS, RESTANTE_URL: "https://relay.test" };
      return startServer("relay", this.network.url, signingKey, settings);
    }));
    for (const one of started) starting.use(one);
    await this.#post(started, Math.max(...POSTERS.keys()), WARM);
    const rows: string[][] = [];
    for (const [posters, count] of POSTERS) {
      const before = await countsOf(started);
      const posted = await this.#post(started, posters, count);
      const counts = difference(await countsOf(started), before);
      const bare = await this.#writeBare(posters);
      const seconds = count / posted.perSecond;
      const commits = counts.restante_commit_seconds_sum;
      const reads = counts.restante_read_seconds_count;
      rows.push([
        String(delay),
        String(workers),
        String(posters),
        shown(posted.perSecond),
        posted.p50.toFixed(1),
        posted.p99.toFixed(1),
        (commits / seconds).toFixed(1),
        (counts.restante_commit_batch_parts_sum /
          counts.restante_commit_batch_parts_count).toFixed(1),
        (1_000 * commits / counts.restante_commit_seconds_count).toFixed(1),
        (reads / count).toFixed(2),
        (1_000 * counts.restante_read_seconds_sum / reads).toFixed(1),
        shown(bare.batches),
        shown(bare.atomics),
        (posted.perSecond / bare.batches).toFixed(2),
      ]);
    }
    return rows;
  }

  #post(
    servers: readonly Server[],
    posters: number,
    count: number,
  ): Promise<Posted> {
    const from = this.#next;
    this.#next += count;
    const urls = servers.map(({ url }) => url);
    const path = "/v1/messages?hold=3600";
    return this.poster.post({ urls, path, posters, from, count, status: 201 });
  }

  /** What the server takes of so many messages at once. */
  async #writeBare(messages: number) {
    using kv = await Deno.openKv(this.network.url);
    const atomics = await this.#write(kv, messages, 1);
    const batches = await this.#write(kv, Math.ceil(messages / BATCH), BATCH);
    return { atomics, batches };
  }

  /** Messages a second of so many callers, each of so many messages at once. */
  async #write(kv: Deno.Kv, callers: number, size: number): Promise<number> {
    const to = Array.from(
      { length: size },
      (_, i) => this.boxes[i % this.boxes.length],
    ) as MailboxId[];
    let times = 0;
    const began = performance.now();
    await Promise.all(Array.from({ length: callers }, async () => {
      while (performance.now() - began < BARE) {
        await writeBare(kv, to, MESSAGE);
        times += 1;
      }
    }));
    return 1_000 * times * size / (performance.now() - began);
  }
}

/** Milliseconds for which something bare is measured. */
const BARE = 1_000;

async function countsOf(servers: readonly Server[]): Promise<Counts> {
  const texts = await Promise.all(servers.map(async ({ url }) => {
    const response = await fetch(`${url}/metrics`);
    return await response.text();
  }));
  const sums = COUNTED.map((name) => {
    const found = texts.map((text) =>
      Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1])
    );
    return [name, found.reduce((sum, one) => sum + one, 0)];
  });
  return Object.fromEntries(sums);
}

function difference(after: Counts, before: Counts): Counts {
  const rows = COUNTED.map((name) => [name, after[name] - before[name]]);
  return Object.fromEntries(rows);
}
