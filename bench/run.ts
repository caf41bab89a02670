/** What can be measured of this machine. */
import { benchAccept } from "./accept.ts";
import { benchAbuse } from "./abuse.ts";
import { benchHandshake } from "./handshake.ts";
import { benchMine } from "./mine.ts";
import { benchNotify } from "./notify.ts";
import { benchPost } from "./post.ts";
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
  { isQuiet = false }: { readonly isQuiet?: boolean } = {},
): Promise<BenchReport> {
  const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0) {
    throw new UnknownBenchError(
      `no bench ${unknown.join(", ")}; there are ${
        Object.keys(BENCHES).join(", ")
      }`,
    );
  }
  report.isQuiet = isQuiet;
  report.tables = [];
  const cores = navigator.hardwareConcurrency;
  say(`deno ${Deno.version.deno}, ${cores} cores`);
  for (const name of names) await BENCHES[name]?.();
  return { deno: Deno.version.deno, cores, tables: report.tables };
}
