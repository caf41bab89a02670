/**
 * From a message's post, and from its 201, to its reader: a relay in a process
 * of its own on a file, readers that wait in another, sender and reader here.
 * Beside it, in turns, a bare server of the same traffic with one reader, and a
 * bare `kv.watch` of one key inside this process.
 */
import { type Identity, makeIdentity, Relay, Session } from "../client/mod.ts";
import { generateSigningKey } from "../lib/signing_key.ts";
import { eventArrivals, socketArrivals } from "./arrivals.ts";
import { count, printTable } from "./measure.ts";
import { mineEnvelopes, tokenOf } from "./owned_mail.ts";
import type { Place } from "./open_reader.ts";
import { holdReaders, type Server, startServer } from "./processes.ts";
import {
  commitAndHear,
  postAndHear,
  type Sample,
  type Spread,
  spreadOf,
} from "./samples.ts";

/** How many readers the relay has, the measured one among them. */
const READERS = [1, 1_000, 10_000];
/** Rounds that count, behind one that does not. */
const ROUNDS = 5;
/** Messages of a round, by each transport. */
const POSTS = 40;
/** Bytes of a message before it is sealed. */
const DATA = 1_024;

const TRANSPORTS = { events: eventArrivals, socket: socketArrivals };
type Transport = keyof typeof TRANSPORTS;

/** Prints one table. */
export async function benchNotify(): Promise<void> {
  const rows = [[
    "readers",
    "by",
    "201 to event",
    "sent to event",
    "bare, from 201",
    "bare, from sent",
    "bare watch",
    "201 p50 to watch's",
    "sent p50 to bare's",
  ]];
  await using held = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  held.defer(() => Deno.remove(folder, { recursive: true }));
  const signingKey = await generateSigningKey();
  const start = async (kind: "relay" | "bare") =>
    held.use(await startServer(kind, `${folder}/${kind}.kv`, signingKey));
  const relay = await start("relay");
  const bare = await start("bare");
  const watched = held.use(await Deno.openKv(`${folder}/watched.kv`));
  const owner = await makeIdentity();
  await new Session(new Relay(relay.url), owner).open();
  let readers = 1;
  for (const wanted of READERS) {
    console.error(`notify: ${count(wanted)} readers`);
    if (wanted > readers) {
      held.use(
        await holdReaders({
          url: relay.url,
          transport: "socket",
          count: wanted - readers,
          signingKey,
        }),
      );
      readers = wanted;
    }
    const token = await tokenOf(owner, signingKey);
    const times = await takeTurns({ relay, bare, watched, owner, token });
    for (const by of ["events", "socket"] as const) {
      rows.push([count(readers), by, ...cellsOf(times, by)]);
    }
  }
  printTable("From the sender to the reader, p50 / p99 in ms", rows);
}

/** What is measured in turns. */
interface Subjects {
  readonly relay: Server;
  readonly bare: Server;
  readonly watched: Deno.Kv;
  /** Whose mailbox it is. */
  readonly owner: Identity;
  /** To read it with. */
  readonly token: string;
}

/** What came of all rounds. */
interface Times {
  readonly relay: Record<Transport, Sample[]>;
  readonly bare: Record<Transport, Sample[]>;
  readonly watch: number[];
}

/** A slow moment of the machine falls on all of them. */
async function takeTurns(subjects: Subjects): Promise<Times> {
  const { relay, bare, watched, owner, token } = subjects;
  const times: Times = {
    relay: { events: [], socket: [] },
    bare: { events: [], socket: [] },
    watch: [],
  };
  let query = "";
  for (let round = 0; round <= ROUNDS; round++) {
    for (const by of ["events", "socket"] as const) {
      const bodies = await mineEnvelopes(owner, POSTS, DATA);
      const { mailbox } = owner;
      const hear = async (place: Place) => {
        await using arrivals = await TRANSPORTS[by](place);
        return await postAndHear(place.url, bodies, arrivals);
      };
      const ours = await hear({ url: relay.url, mailbox, token, query });
      query = `after=${JSON.parse(ours.answer).cursor}`;
      const theirs = await hear({ url: bare.url, mailbox, token, query });
      if (round === 0) continue;
      times.relay[by].push(...ours.samples);
      times.bare[by].push(...theirs.samples);
    }
    const watch = await commitAndHear(watched, POSTS);
    if (round > 0) times.watch.push(...watch);
  }
  return times;
}

function cellsOf(times: Times, by: Transport): string[] {
  const spreads = (samples: readonly Sample[]) => ({
    answer: spreadOf(samples.map(({ fromAnswer }) => fromAnswer)),
    sent: spreadOf(samples.map(({ fromSent }) => fromSent)),
  });
  const ours = spreads(times.relay[by]);
  const bare = spreads(times.bare[by]);
  const watch = spreadOf(times.watch);
  const ratio = (a: Spread, b: Spread) => `${(a.p50 / b.p50).toFixed(2)} ×`;
  return [
    ...[ours.answer, ours.sent, bare.answer, bare.sent, watch].map((
      { p50, p99 },
    ) => `${p50.toFixed(2)} / ${p99.toFixed(2)}`),
    ratio(ours.answer, watch),
    ratio(ours.sent, bare.sent),
  ];
}
