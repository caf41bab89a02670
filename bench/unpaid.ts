/**
 * What nobody pays for, beside a server that reads the same and does nothing
 * else: a quote, and posts that are refused because no work was done for them.
 */
import { type Identity, makeIdentity, Relay, Session } from "../client/mod.ts";
import type { Bytes } from "../lib/bytes.ts";
import { generateSigningKey } from "../lib/signing_key.ts";
import { printTable } from "./measure.ts";
import { type Server, startServer } from "./processes.ts";
import { median } from "./rounds.ts";
import { spreadOf } from "./samples.ts";
import { workless } from "./workless.ts";

/** Requests of a round, one after the other; and rounds, in turns. */
const REQUESTS = 200;
const ROUNDS = 7;
/** Bytes of messages that are refused, before they are sealed. */
const SIZES = [1_024, 65_536];

/** Something that is asked of both servers. */
interface Question {
  readonly what: string;
  readonly path: string;
  readonly type: string;
  readonly body: Bytes;
  readonly status: number;
}

/** Prints one table: times at the asker, processor time of each server. */
export async function benchUnpaid(): Promise<void> {
  const folder = await Deno.makeTempDir();
  const signingKey = await generateSigningKey();
  const rows = [[
    "asked for",
    "p50 ms",
    "bare p50 ms",
    "processor ms",
    "bare",
    "to bare",
  ]];
  try {
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
    const owner = await makeIdentity();
    await new Session(new Relay(relay.url), owner).open();
    for (const question of await questionsFor(owner)) {
      const times = await takeTurns(question, relay, bare);
      const [ours, theirs] = [times.relay, times.bare];
      rows.push([
        question.what,
        spreadOf(ours.passed).p50.toFixed(2),
        spreadOf(theirs.passed).p50.toFixed(2),
        median(ours.computed).toFixed(2),
        median(theirs.computed).toFixed(2),
        `${
          median(ours.computed.map((ms, i) => ms / (theirs.computed[i] ?? NaN)))
            .toFixed(1)
        } ×`,
      ]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  printTable("What nobody pays for, over HTTP, one asker", rows);
}

async function questionsFor(
  { key: { publicKey }, mailbox }: Identity,
): Promise<Question[]> {
  const asked = { bytes: 1_500, seconds: 3_600, mailbox };
  const questions: Question[] = [{
    what: "a quote, beside one store read",
    path: "/v1/quotes",
    type: "application/json",
    body: new TextEncoder().encode(JSON.stringify(asked)),
    status: 200,
  }];
  for (const size of SIZES) {
    questions.push({
      what: `a post of ${size / 1_024} KiB without work`,
      path: "/v1/messages?refuse",
      type: "application/vnd.minima.maxtxpow",
      body: await workless(publicKey, size),
      status: 428,
    });
  }
  return questions;
}

/** Milliseconds: of each request, and of the processor, a request of a round. */
class Times {
  readonly passed: number[] = [];
  readonly computed: number[] = [];
}

async function takeTurns(question: Question, relay: Server, bare: Server) {
  const times = { relay: new Times(), bare: new Times() };
  for (let round = -1; round < ROUNDS; round++) {
    for (const name of ["relay", "bare"] as const) {
      const into = round < 0 ? new Times() : times[name];
      await askAll(question, { relay, bare }[name], into);
    }
  }
  return times;
}

async function askAll(
  { path, type, body, status }: Question,
  server: Server,
  { passed, computed }: Times,
): Promise<void> {
  const before = await server.cpu();
  for (let n = 0; n < REQUESTS; n++) {
    const began = performance.now();
    const response = await fetch(server.url + path, {
      method: "POST",
      headers: { "Content-Type": type },
      body,
    });
    const answer = await response.text();
    passed.push(performance.now() - began);
    if (response.status !== status) {
      throw new Error(`${path} was answered ${response.status}: ${answer}`);
    }
  }
  computed.push((await server.cpu() - before) / REQUESTS);
}
