/**
 * The window of work, as the store has to know it: marks outlive the widest that
 * it ever was, and where it is widened, what was taken before and forgotten since
 * is not taken again.
 */
import {
  changeRecord,
  type StoreRecord,
  type WidestWindow,
} from "../store/record.ts";
import type { Store } from "../store/store.ts";
import type { WorkWindow } from "../../lib/work/check.ts";

/** A window, and what a store adds to it. */
export interface KeptWindow extends WorkWindow {
  /** Unix milliseconds; nothing of before is taken. */
  readonly floor: number;
  /** Milliseconds behind its work's time for which a mark is kept. */
  readonly markedFor: number;
}

/**
 * Notes a worker's window in the store, if none was as wide.
 *
 * @throws {Problem} `busy`
 */
export async function widenWindow(
  store: Store,
  window: WorkWindow,
  now: number,
): Promise<KeptWindow> {
  const { back, ahead } = window;
  const isNews = (store.record.window?.back ?? -1) < back;
  const record = isNews
    ? await changeRecord(
      store,
      (record) =>
        widened(record, back, { now, until: now + ahead + CHANGE_OVER }),
    )
    : store.record;
  const widest: WidestWindow = record.window ?? { back, floor: 0 };
  const { floor, former } = widest;
  return { ...window, floor, former, markedFor: widest.back };
}

/** Milliseconds for which other workers may go on with the window that was. */
const CHANGE_OVER = 86_400_000;

function widened(
  record: StoreRecord,
  back: number,
  { now, until }: { readonly now: number; readonly until: number },
): StoreRecord {
  const { window } = record;
  if (window !== undefined && window.back >= back) return record;
  // Widened twice in a short time, what the first floor kept out stays out.
  const floor = window === undefined
    ? 0
    : Math.max(window.floor, now - window.back);
  if (window === undefined) return { ...record, window: { back, floor } };
  const former = [...window.former ?? [], { back: window.back, until }]
    .filter(({ until }) => until > now - back); // others say nothing any more
  return { ...record, window: { back, floor, former } };
}
