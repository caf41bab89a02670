/**
 * What a message to a mailbox that thousands read takes of the relay: beside a
 * server that writes the same bytes to as many and does nothing else.
 */
import { type Identity, makeIdentity, Relay, Session } from "../client/mod.ts";
import type { Bytes } from "../lib/bytes.ts";
import { generateSigningKey } from "../lib/signing_key.ts";
import { count, printTable } from "./measure.ts";
import { mineEnvelopes, postEnvelope } from "./owned_mail.ts";
import { holdReaders, startServer } from "./processes.ts";
import { median } from "./rounds.ts";

/** Readers of one mailbox. */
const READERS = 5_000;
/** Bytes of a message before it is sealed. */
const DATA = 1_024;
/** Messages that count, behind some that do not. */
const MESSAGES = 10;
const WARM_UP = 3;

/** Prints a table for each transport: processor time of the server alone. */
export async function benchCrowd(): Promise<void> {
  const owner = await makeIdentity();
  const bodies = await mineEnvelopes(owner, MESSAGES + WARM_UP, DATA);
  for (const transport of ["events", "socket"] as const) {
    const ours = await measureCrowd("relay", transport, owner, bodies);
    const bare = await measureCrowd("bare", transport, owner, bodies);
    printTable(
      `A message of 1 KB to ${
        count(READERS)
      } readers of a mailbox by ${transport}`,
      [
        ["of", "processor ms", "μs a reader", "post to last reader, ms"],
        ["relay", ...cellsOf(ours)],
        ["bare", ...cellsOf(bare)],
      ],
    );
  }
}

function cellsOf({ cpu, passed }: Taken): string[] {
  return [
    cpu.toFixed(0),
    (1_000 * cpu / READERS).toFixed(0),
    passed.toFixed(0),
  ];
}

/** What a message takes, in milliseconds. */
interface Taken {
  /** Of the server's processor. */
  readonly cpu: number;
  /** From its post to the last reader. */
  readonly passed: number;
}

/** The middle of what a message takes, in milliseconds. */
async function measureCrowd(
  kind: "relay" | "bare",
  transport: "events" | "socket",
  owner: Identity,
  bodies: readonly Bytes[],
): Promise<Taken> {
  const signingKey = await generateSigningKey();
  await using server = await startServer(kind, ":memory:", signingKey);
  const { url } = server;
  const { mailbox } = owner;
  if (kind === "relay") await new Session(new Relay(url), owner).open();
  await using readers = await holdReaders({
    url,
    transport,
    signingKey,
    mailbox,
    count: READERS,
  });
  const cpu: number[] = [];
  const passed: number[] = [];
  for (const [i, body] of bodies.entries()) {
    const before = await server.cpu();
    const began = performance.now();
    await postEnvelope(url, body);
    await readers.hear(READERS * (i + 1));
    const took = performance.now() - began;
    const computed = await server.cpu() - before;
    if (i < WARM_UP) continue;
    cpu.push(computed);
    passed.push(took);
  }
  return { cpu: median(cpu), passed: median(passed) };
}
