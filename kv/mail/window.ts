/**
 * The window of work, as the store has to know it: marks outlive the widest that
 * it ever was, and where it is widened, what was taken before and forgotten since
 * is not taken again.
 */
import { changeRecord, type WidestWindow } from "../store/record.ts";
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
  const { back } = window;
  const record = await changeRecord(store, (record) => {
    const { window: widest } = record;
    if (widest !== undefined && widest.back >= back) return record;
    const floor = widest === undefined ? 0 : now - widest.back;
    return { ...record, window: { back, floor } };
  });
  const widest: WidestWindow = record.window ?? { back, floor: 0 };
  return { ...window, floor: widest.floor, markedFor: widest.back };
}
