/**
 * Checking work: the order of spec/maxima.md 8.2, the cheapest check first, and
 * with our own constants, never the header's or the body's word.
 */
import { type Bytes, sameBytes } from "../bytes.ts";
import {
  type MailboxId,
  mailboxIdOf,
  type MessageId,
  messageIdOf,
} from "../ids.ts";
import {
  MAIN_CHAIN,
  MAXIMA_VERSION,
  MIN_HASHES,
  MIN_WORK,
  MIN_WORK_TARGET,
} from "../minima/constants.ts";
import { type MaxTxPow, packageHash } from "../minima/maxima.ts";
import { integerOfBytes } from "../minima/minidata.ts";
import { wholePart } from "../minima/mininumber.ts";
import type { TxPow } from "../minima/txpow.ts";
import { bodyHash, meets, txPowId } from "../minima/txpow_facts.ts";
import type { TxHeader } from "../minima/txheader.ts";
import { Problem } from "../problem.ts";
import { parsePublicKey } from "../seal/public_key.ts";

/** Work that was done: what it is worth is its target, however lucky it was. */
export interface Work {
  /** The id of the TxPoW, 32 bytes. */
  readonly txPowId: Bytes;
  /** The target that the body commits to and the id meets. */
  readonly target: bigint;
}

/** Work that was done for a message. */
export interface MessageWork extends Work {
  /** What the work was done for. */
  readonly messageId: MessageId;
  /** Whom the message is for. */
  readonly mailbox: MailboxId;
}

/** How far from the relay's clock the time of a header may lie. */
export interface WorkWindow {
  /** Milliseconds back. */
  readonly back: number;
  /** Milliseconds ahead. */
  readonly ahead: number;
  /** Unix milliseconds; nothing of before is taken, however wide the window. */
  readonly floor?: number;
  /** What it was before it was widened, the oldest first. */
  readonly former?: readonly FormerWindow[] | undefined;
}

/** A window that was widened since: what it let in was remembered for no longer. */
export interface FormerWindow {
  /** Milliseconds back. */
  readonly back: number;
  /** Unix milliseconds: the latest time of work that it can have let in. */
  readonly until: number;
}

/** The window unless the operator says otherwise: 24 h back, 2 h ahead. */
export const DEFAULT_WINDOW: WorkWindow = {
  back: 24 * 3_600_000,
  ahead: 2 * 3_600_000,
};

/**
 * Steps 2 to 5 for an envelope: versions, key and chain; the commitment to the
 * package; the network minimum; the body and the target it commits to.
 *
 * @throws {Problem} `malformed`, `wrong-hash` or `work-insufficient`
 */
export function checkWork(unit: MaxTxPow): MessageWork {
  for (const version of [unit.version, unit.package.version]) {
    if (version === MAXIMA_VERSION) continue;
    throw new Problem(
      "malformed",
      `version "${version.slice(0, 20)}", not 1.0`,
    );
  }
  parsePublicKey(unit.package.to);
  checkChain(unit.txPow.header);
  const messageId = packageHash(unit.package);
  if (!sameBytes(unit.txPow.header.customHash, messageId)) {
    throw new Problem(
      "wrong-hash",
      "the custom hash is not the package's hash",
    );
  }
  return {
    ...checkTarget(unit.txPow),
    messageId: messageIdOf(messageId),
    mailbox: mailboxIdOf(unit.package.to),
  };
}

/**
 * Steps 2, 4 and 5 for a TxPoW by itself.
 *
 * @throws {Problem} `malformed`, `wrong-hash` or `work-insufficient`
 */
export function checkTxPow(unit: TxPow): Work {
  checkChain(unit.header);
  return checkTarget(unit);
}

function checkChain({ chainId }: TxHeader): void {
  if (!sameBytes(chainId, MAIN_CHAIN)) {
    throw new Problem("malformed", "the chain id is not 00, the main net's");
  }
}

function checkTarget({ header, body }: TxPow): Work {
  const id = txPowId(header);
  if (!meets(id, MIN_WORK)) {
    throw tooLittle(`less work than the minimum of ${MIN_HASHES} hashes`);
  }
  if (body === null) {
    throw tooLittle("no body, so no target that the work commits to");
  }
  if (!sameBytes(header.bodyHash, bodyHash(body))) {
    throw new Problem("wrong-hash", "the body hash is not the body's hash");
  }
  const target = integerOfBytes(body.txnDifficulty);
  if (target > MIN_WORK_TARGET) {
    throw tooLittle(`a target easier than ${MIN_HASHES} hashes`);
  }
  if (!meets(id, body.txnDifficulty)) {
    throw tooLittle("the work does not meet the target it commits to");
  }
  return { txPowId: id, target };
}

function tooLittle(detail: string): Problem {
  return new Problem("work-insufficient", detail);
}

/**
 * Step 6: the time in the header lies within the window around `now` (both
 * Unix milliseconds).
 *
 * @throws {Problem} `work-stale`
 */
export function checkTime(
  header: TxHeader,
  now: number,
  window: WorkWindow,
): void {
  const time = timeOf(header);
  const earliest = Math.max(earliestOf(window, now), window.floor ?? 0);
  const latest = now + window.ahead;
  if (time < earliest || time > latest) {
    throw new Problem(
      "work-stale",
      `the header's time is ${time}, the window goes from ${earliest} to ${latest}`,
    );
  }
}

/**
 * Work of the time of a former window is not taken once that one would not have
 * taken it any more: that it was taken before may be forgotten by then.
 */
function earliestOf({ back, former = [] }: WorkWindow, now: number): number {
  let forgotten = -Infinity;
  for (const { back, until } of former) {
    forgotten = Math.min(Math.max(now - back, forgotten), until);
  }
  return Math.max(now - back, forgotten);
}

/** The time in a header: Unix milliseconds, the whole part of what it says. */
export function timeOf(header: TxHeader): number {
  return Number(wholePart(header.time));
}
