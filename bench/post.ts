/**
 * Posting over HTTP to a real relay on disk, by a client in a process of its
 * own, beside what the platform takes for the same, in turns: a bare
 * `Deno.serve` that reads the same bodies, bare atomics of the same rows one by
 * one, and bare batches of them.
 */
import type { MailboxId } from "../lib/ids.ts";
import { generateSigningKey } from "../lib/signing_key.ts";
import { writeBare } from "./bare_rows.ts";
import { makeOwners, openMailboxes, writeMessages } from "./mail_file.ts";
import { count as shown, printTable } from "./measure.ts";
import type { Posted, Posting } from "./posting.ts";
import {
  type Poster,
  type Server,
  startPoster,
  startServer,
} from "./processes.ts";
import { median } from "./rounds.ts";
import { spreadOf } from "./samples.ts";

/** Posters, and how many messages they post in one round. */
const POSTERS = new Map([[1, 200], [16, 600], [64, 1_000], [256, 1_000]]);
const MAILBOXES = [1, 64];
const ROUNDS = 3;
/** Sealed bytes of a message: with its work it has 2,250. */
const SEALED = 1_120;
const MESSAGE = 2_250;
/** Messages before anything is timed. */
const WARM = 400;
/** As many as one commit of the relay's has. */
const BATCH = 100;

/** Of the relays that are posted to: the price is to stay what was mined for. */
export const SETTINGS = {
  RESTANTE_MAILBOX_BYTES: "1000000000000",
  RESTANTE_MAILBOX_MESSAGES: "16000000",
  RESTANTE_RELAY_BYTES: "1000000000000",
  RESTANTE_RELAY_MESSAGES: "16000000",
};

/** Prints a table for one mailbox, and one for several. */
export async function benchPost(): Promise<void> {
  for (const mailboxes of MAILBOXES) await benchMailboxes(mailboxes);
}

async function benchMailboxes(mailboxes: number): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const owners = await makeOwners(mailboxes);
    const boxes = await openMailboxes(`${folder}/relay.kv`, owners);
    const total = [...POSTERS.values()].reduce((sum, one) => sum + one, 0);
    await writeMessages(`${folder}/mail`, owners, {
      count: WARM + ROUNDS * total,
      bytes: SEALED,
    });
    const signingKey = await generateSigningKey();
    await using relay = await startServer(
      "relay",
      `${folder}/relay.kv`,
      signingKey,
      SETTINGS,
    );
    await using bare = await startServer(
      "bare",
      `${folder}/bare.kv`,
      signingKey,
    );
    await using poster = await startPoster(`${folder}/mail`);
    using kv = await Deno.openKv(`${folder}/rows.kv`);
    const bench = new Bench(relay, bare, poster, kv, boxes);
    const files = [`${folder}/relay.kv`, `${folder}/rows.kv`];
    const [disk = NaN, bareDisk = NaN] = await bench.run(files);
    const title = mailboxes === 1 ? "one mailbox" : `${mailboxes} mailboxes`;
    printTable(
      `Posting messages of ${
        shown(MESSAGE)
      } bytes to ${title}, over HTTP, on disk`,
      bench.rows(),
    );
    console.log(
      `Of all of them ${disk.toFixed(2)} bytes on disk for each that is ` +
        `stored; bare rows ${bareDisk.toFixed(2)}.`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What was measured of so many posters, a number each round. */
class Figures {
  readonly rate: number[] = [];
  readonly p50: number[] = [];
  readonly p99: number[] = [];
  /** Milliseconds of processor a message. */
  readonly cpu: number[] = [];
  readonly bareRate: number[] = [];
  readonly bareP50: number[] = [];
  readonly bareCpu: number[] = [];
  readonly atomics: number[] = [];
  readonly atomicP50: number[] = [];
  readonly batches: number[] = [];
  /** Commits a message: each is one sync. */
  readonly commits: number[] = [];
  /** Bytes written to disk a message. */
  readonly written: number[] = [];
}

class Bench {
  readonly #figures = new Map<number, Figures>();
  #next = 0;

  constructor(
    readonly relay: Server,
    readonly bare: Server,
    readonly poster: Poster,
    readonly kv: Deno.Kv,
    readonly boxes: readonly MailboxId[],
  ) {}

  /** Runs, and gives how many bytes two files take for each that is stored. */
  async run(files: readonly string[]): Promise<number[]> {
    await this.#postToRelay(16, WARM);
    await this.#postToBare(16, WARM);
    // The first round fills what is written ahead, which grows no further.
    const sizes: number[][] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const [posters, count] of POSTERS) await this.#round(posters, count);
      sizes.push(
        await Promise.all(
          files.map(async (file) => (await Deno.stat(file)).size),
        ),
      );
    }
    const [relay = NaN, bare = NaN] = files.map((_, i) =>
      (sizes.at(-1)?.[i] ?? NaN) - (sizes[0]?.[i] ?? NaN)
    );
    const total = [...POSTERS.values()].reduce((sum, one) => sum + one, 0);
    const stored = (ROUNDS - 1) * total * MESSAGE;
    // Bare rows are written one by one, and in batches.
    return [relay / stored, bare / (2 * stored)];
  }

  async #round(posters: number, count: number): Promise<void> {
    const figures = this.#figures.get(posters) ?? new Figures();
    this.#figures.set(posters, figures);
    const before = await this.#used();
    const posted = await this.#postToRelay(posters, count);
    const after = await this.#used();
    figures.rate.push(posted.perSecond);
    figures.p50.push(posted.p50);
    figures.p99.push(posted.p99);
    figures.cpu.push((after.cpu - before.cpu) / count);
    figures.commits.push((after.commits - before.commits) / count);
    figures.written.push((after.written - before.written) / count);
    const bareBefore = await this.bare.cpu();
    const taken = await this.#postToBare(posters, count);
    figures.bareRate.push(taken.perSecond);
    figures.bareP50.push(taken.p50);
    figures.bareCpu.push((await this.bare.cpu() - bareBefore) / count);
    const { perSecond, p50 } = await this.#write(posters, count, 1);
    figures.atomics.push(perSecond);
    figures.atomicP50.push(p50);
    const size = Math.min(posters, BATCH);
    figures.batches.push(
      size * (await this.#write(1, Math.ceil(count / size), size)).perSecond,
    );
  }

  async #used() {
    const [cpu, written, commits] = await Promise.all([
      this.relay.cpu(),
      this.relay.written(),
      commitsOf(this.relay.url),
    ]);
    return { cpu, written, commits };
  }

  #postToRelay(posters: number, count: number): Promise<Posted> {
    const from = this.#next;
    this.#next += count;
    const urls = [this.relay.url];
    const path = "/v1/messages?hold=3600";
    return this.poster.post({ urls, path, posters, from, count, status: 201 });
  }

  #postToBare(posters: number, count: number): Promise<Posted> {
    const urls = [this.bare.url];
    const path = "/v1/messages?refuse";
    const posting: Posting = {
      urls,
      path,
      posters,
      from: 0,
      count,
      status: 428,
    };
    return this.poster.post(posting);
  }

  /** Writes rows by so many callers, each of so many messages at once. */
  async #write(callers: number, times: number, size: number) {
    const samples: number[] = [];
    let left = times;
    const began = performance.now();
    await Promise.all(Array.from({ length: callers }, async () => {
      while (left-- > 0) {
        const to = Array.from(
          { length: size },
          (_, i) => this.boxes[(left * size + i) % this.boxes.length],
        ) as MailboxId[];
        const started = performance.now();
        await writeBare(this.kv, to, MESSAGE);
        samples.push(performance.now() - started);
      }
    }));
    const perSecond = 1_000 * samples.length / (performance.now() - began);
    return { perSecond, p50: spreadOf(samples).p50 };
  }

  rows(): string[][] {
    const rows = [[
      "posters",
      "posts/s",
      "p50 ms",
      "p99 ms",
      "processor ms",
      "syncs",
      "KiB written",
      "bare HTTP/s",
      "its ms",
      "bare atomics/s",
      "bare batches/s",
      "to batches",
      "p50 to bare HTTP and atomic",
    ]];
    for (const [posters, figures] of this.#figures) {
      const { rate, batches, p50, bareP50, atomicP50 } = figures;
      const toBatches = rate.map((one, i) => one / (batches[i] ?? NaN));
      const toBare = p50.map((one, i) =>
        one / ((bareP50[i] ?? NaN) + (atomicP50[i] ?? NaN))
      );
      rows.push([
        String(posters),
        shown(median(rate)),
        median(p50).toFixed(2),
        median(figures.p99).toFixed(1),
        median(figures.cpu).toFixed(2),
        median(figures.commits).toFixed(2),
        (median(figures.written) / 1_024).toFixed(0),
        shown(median(figures.bareRate)),
        median(figures.bareCpu).toFixed(3),
        shown(median(figures.atomics)),
        shown(median(batches)),
        median(toBatches).toFixed(2),
        `${median(toBare).toFixed(1)} ×`,
      ]);
    }
    return rows;
  }
}

/** Commits of the relay so far, by its own count. */
async function commitsOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^restante_commit_seconds_count (\d+)/m.exec(text)?.[1]);
}
