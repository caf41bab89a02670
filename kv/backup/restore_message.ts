/** A message of a backup, as it is committed again. */
import { type Place, placeOf } from "../../lib/cursor.ts";
import { keys } from "../kinds.ts";
import {
  keptBytes,
  type StoredFacts,
  TOMBSTONE_BYTES,
  TOMBSTONE_MS,
} from "../mail/entry.ts";
import { mailOf, orderOf } from "../mail/mail_batch.ts";
import { segmentCount, setObject } from "../mail/objects.ts";
import { ledgerOf } from "../mail/ledger.ts";
import { USAGE_COST } from "../mail/usage_changes.ts";
import type { Batch, Part } from "../store/commit_part.ts";
import type { EntryMaybe } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import type { MessageRecord } from "./records.ts";

/** What a message takes besides its body, at most. */
const FRAME_BYTES = 6_000;
const MUTATIONS = 8;

/** Commits a message with its mark and body; gives where it stands now. */
export class RestorePart implements Part<Place> {
  readonly order: readonly string[];
  readonly apart: readonly string[];
  readonly cost;
  readonly sharedCost = USAGE_COST;
  readonly asks;
  readonly #store: Store;
  readonly #record: MessageRecord;
  readonly #now: number;
  #index = 0;

  /** Of a record that is still listed at `now` (Unix milliseconds). */
  constructor(store: Store, record: MessageRecord, now: number) {
    const { id, facts: { mailbox }, body } = record;
    this.#store = store;
    this.#record = record;
    this.#now = now;
    this.order = [orderOf(mailbox)];
    this.apart = [id];
    this.asks = [keys.seen(id)];
    const size = body?.length ?? 0;
    this.cost = {
      checks: 1,
      mutations: MUTATIONS + segmentCount(size),
      bytes: FRAME_BYTES + size + size / 100,
    };
  }

  prepare(): Promise<void> | null {
    return ledgerOf(this.#store).prepare(this.#record.facts.mailbox);
  }

  add(batch: Batch): void {
    const { id, minBandwidth, priority, facts, body: kept } = this.#record;
    const { mailbox, object, size, storedAt, holdUntil } = facts;
    const { workUntil = storedAt } = facts;
    const { log, usage, due, rings } = mailOf(batch, this.#store);
    const body = holdUntil > this.#now ? kept : null;
    const bytes = body === null ? TOMBSTONE_BYTES : keptBytes(size);
    usage.change(
      mailbox,
      { bytes, messages: body === null ? 0 : 1 },
      this.#now,
    );
    const { index, place } = log.add(mailbox, {
      id,
      object,
      size,
      minBandwidth,
      priority,
      storedAt,
      holdUntil,
      workUntil,
      body,
    });
    this.#index = index;
    const { operation } = batch;
    operation.check({ key: keys.seen(id), versionstamp: null })
      .set(keys.seen(id), { ...facts, ...(index > 0 && { index }) });
    const item = { mailbox, id, index };
    if (body !== null && place !== "none") {
      setObject(operation, object, body, {
        mailbox,
        size,
        holdUntil,
        place,
        index,
      });
      due.add("hold", holdUntil, item);
    } else due.add("tombstone", holdUntil + TOMBSTONE_MS, item);
    rings.add(mailbox);
  }

  done(versionstamp: string): Place {
    return placeOf({ versionstamp, index: this.#index });
  }

  /** It may find its own mark, for a commit may have been repeated on the way. */
  settle([mark]: readonly EntryMaybe[]): Place | null {
    if (mark === undefined || mark.value === null) return null;
    const { index = 0 } = mark.value as StoredFacts;
    return placeOf({ versionstamp: mark.versionstamp, index });
  }
}
