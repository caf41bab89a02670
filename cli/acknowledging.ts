/** What `read` acknowledges, and as which device. */
import {
  acknowledge,
  type ReceivedMessage,
  type Session,
} from "../client/mod.ts";
import { UsageError } from "./output.ts";

/** The options that say so. */
export interface AcknowledgeOptions {
  reader?: string;
  ack?: string | true;
}

/** The device that reads, if one is named. */
export function readerOf(
  { reader, ack }: AcknowledgeOptions,
): string | undefined {
  return reader ?? (ack === true ? undefined : ack);
}

/**
 * One device reads and acknowledges, or another's mail would be deleted.
 *
 * @throws {UsageError}
 */
export function requireOneReader({ reader, ack }: AcknowledgeOptions): void {
  if (reader === undefined || typeof ack !== "string" || ack === reader) return;
  throw new UsageError(`one device reads: --reader ${reader}, or --ack ${ack}`);
}

/** How far a mailbox was read: to the first message that was withheld. */
export class ReadPart {
  #cursor: string | null = null;
  #isWhole = true;

  /** Whether nothing was withheld. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** The next message in the order of the log. */
  add({ cursor, failure }: ReceivedMessage): void {
    if (failure === "withheld") this.#isWhole = false;
    if (this.#isWhole) this.#cursor = cursor;
  }

  /** The cursor to acknowledge, where all was read up to another; null if none. */
  through(next: string | null): string | null {
    return this.#isWhole ? next : this.#cursor;
  }
}

/** Acknowledges, if it is asked for, what the relay may delete then. */
export async function acknowledgeIfAsked(
  session: Session,
  options: AcknowledgeOptions,
  through: string | null,
): Promise<void> {
  if (options.ack === undefined || through === null) return;
  await acknowledge(session, through, readerOf(options) ?? "default");
}
