/** What can be measured of this machine. */
import { benchAccept } from "./accept.ts";
import { benchAbuse } from "./abuse.ts";
import { benchHandshake } from "./handshake.ts";
import { benchMine } from "./mine.ts";
import { benchNotify } from "./notify.ts";
import { benchPost } from "./post.ts";
import { benchPostToDenoKv } from "./post_denokv.ts";
import { benchReaders } from "./readers.ts";
import { benchReturning } from "./returning.ts";
import { benchMailbox } from "./mailbox.ts";
import { benchSend } from "./send.ts";
import { report, say, type Table } from "./measure.ts";
import { benchCrowd } from "./crowd.ts";
import { benchStalled } from "./stalled.ts";
import { benchRefused } from "./refused.ts";
import { benchUnpaid } from "./unpaid.ts";
import { benchVerify } from "./verify.ts";

/** The benches there are. */
export const BENCHES: Readonly<Record<string, () => Promise<void>>> = {
  verify: benchVerify,
  mine: benchMine,
  send: benchSend,
  post: benchPost,
  accept: benchAccept,
  notify: benchNotify,
  readers: benchReaders,
  mailbox: benchMailbox,
  returning: benchReturning,
  abuse: benchAbuse,
  handshake: benchHandshake,
  unpaid: benchUnpaid,
  refused: benchRefused,
  crowd: benchCrowd,
  stalled: benchStalled,
};

/** Those that can be measured on a denokv server. */
export const ON_DENOKV: typeof BENCHES = { post: benchPostToDenoKv };

/** How benches are run. */
export interface RunOptions {
  /** Whether nothing is printed. */
  readonly isQuiet?: boolean;
  /** Whether it is those on a denokv server. */
  readonly isOnDenoKv?: boolean;
}

/** A bench was asked for that there is not. */
export class UnknownBenchError extends Error {
  /** The class, for logs. */
  override name = "UnknownBenchError";
  /** Stable. */
  readonly code = "usage";
}

/** What was measured, and of what. */
export interface BenchReport {
  /** The version that ran. */
  readonly deno: string;
  /** Of this machine. */
  readonly cores: number;
  /** What was measured. */
  readonly tables: readonly Table[];
}

/**
 * Runs benches, one after the other, and prints their tables as they come.
 *
 * @throws {UnknownBenchError}
 */
export async function runBenches(
  names: readonly string[],
  { isQuiet = false, isOnDenoKv = false }: RunOptions = {},
): Promise<BenchReport> {
  const benches = isOnDenoKv ? ON_DENOKV : BENCHES;
  const unknown = names.filter((name) => !Object.hasOwn(benches, name));
  if (unknown.length > 0) {
    throw new UnknownBenchError(
      `no bench ${unknown.join(", ")}; there are ${
        Object.keys(benches).join(", ")
      }`,
    );
  }
  report.isQuiet = isQuiet;
  report.tables = [];
  const cores = navigator.hardwareConcurrency;
  say(`deno ${Deno.version.deno}, ${cores} cores`);
  for (const name of names) await benches[name]?.();
  return { deno: Deno.version.deno, cores, tables: report.tables };
}
