/**
 * Posts without work, as many as a client in a process of its own can send over
 * connections that it keeps: refused by a real relay on disk and, in turns, by a
 * bare `Deno.serve` that reads the same bodies and answers a little JSON.
 */
import type { Bytes } from "../lib/bytes.ts";
import { generateSigningKey } from "../lib/signing_key.ts";
import { makeOwners, openMailboxes, writeBodies } from "./mail_file.ts";
import { count, printTable } from "./measure.ts";
import {
  type Poster,
  type Server,
  startPoster,
  startServer,
} from "./processes.ts";
import { median } from "./rounds.ts";
import { workless } from "./workless.ts";

/** Connections, each of which posts one message after the other. */
const POSTERS = 16;
const ROUNDS = 9;
/** Messages that are posted in turns. */
const MESSAGES = 8;

/** Sealed bytes, and how often each message is posted in a round. */
const SIZES = [
  { sealed: 1_120, times: 800 },
  { sealed: 65_536, times: 150 },
];

/** What is posted: some messages, to whom. */
interface Load {
  readonly what: string;
  readonly bodies: readonly Bytes[];
  readonly times: number;
}

/** Prints one table: refusals a second, and the processor time of each. */
export async function benchRefused(): Promise<void> {
  const folder = await Deno.makeTempDir();
  const rows = [[
    "refused",
    "refusals/s",
    "bare/s",
    "to bare",
    "processor ms",
    "bare",
    "to bare",
  ]];
  try {
    const signingKey = await generateSigningKey();
    const loads = await loadsFor(`${folder}/relay.kv`);
    await writeBodies(`${folder}/mail`, loads.flatMap(({ bodies }) => bodies));
    await using relay = await startServer(
      "relay",
      `${folder}/relay.kv`,
      signingKey,
    );
    await using bare = await startServer(
      "bare",
      `${folder}/bare.kv`,
      signingKey,
    );
    await using poster = await startPoster(`${folder}/mail`);
    for (const [n, { what, times }] of loads.entries()) {
      const bench = new Bench(poster, n * MESSAGES, times);
      for (let round = -1; round < ROUNDS; round++) {
        await bench.round(relay, bare, round >= 0);
      }
      rows.push([what, ...bench.cells()]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  printTable(`Posts that are refused for their work, ${POSTERS} posters`, rows);
}

/** Messages to somebody, and to somebody who has no mailbox. */
async function loadsFor(file: string): Promise<Load[]> {
  const [owner = NO_KEY, stranger = NO_KEY] = await makeOwners(2);
  await openMailboxes(file, [owner]);
  const loads: Load[] = [];
  for (const { sealed, times } of SIZES) {
    for (const [to, whose] of [[owner, ""], [stranger, ", no mailbox"]]) {
      const bodies: Bytes[] = [];
      while (bodies.length < MESSAGES) {
        bodies.push(await workless(to as Bytes, sealed));
      }
      const what = `${count(bodies[0]?.length ?? 0)} bytes${whose}`;
      loads.push({ what, bodies, times });
    }
  }
  return loads;
}

const NO_KEY = new Uint8Array();

/** What one load takes, a number each round. */
class Bench {
  readonly #rate: number[] = [];
  readonly #bareRate: number[] = [];
  readonly #cpu: number[] = [];
  readonly #bareCpu: number[] = [];

  constructor(
    readonly poster: Poster,
    readonly from: number,
    readonly times: number,
  ) {}

  async round(relay: Server, bare: Server, isCounted: boolean): Promise<void> {
    const ours = await this.#post(relay, "/v1/messages");
    const theirs = await this.#post(bare, "/v1/messages?refuse");
    if (!isCounted) return;
    this.#rate.push(ours.rate);
    this.#cpu.push(ours.cpu);
    this.#bareRate.push(theirs.rate);
    this.#bareCpu.push(theirs.cpu);
  }

  async #post(server: Server, path: string) {
    const before = await server.cpu();
    const { perSecond } = await this.poster.post({
      urls: [server.url],
      path,
      posters: POSTERS,
      from: this.from,
      count: MESSAGES,
      times: this.times,
      status: 428,
    });
    const computed = await server.cpu() - before;
    return { rate: perSecond, cpu: computed / (MESSAGES * this.times) };
  }

  cells(): string[] {
    return [
      count(median(this.#rate)),
      count(median(this.#bareRate)),
      ratioOf(this.#rate, this.#bareRate),
      median(this.#cpu).toFixed(3),
      median(this.#bareCpu).toFixed(3),
      ratioOf(this.#cpu, this.#bareCpu),
    ];
  }
}

/** The median of the rounds' ratios. */
function ratioOf(ones: readonly number[], to: readonly number[]): string {
  return median(ones.map((one, i) => one / (to[i] ?? NaN))).toFixed(2);
}
