/** Sizes, holds, fills and settings that prices are tried with. */
import {
  DEFAULT_WORK_PRICE,
  type Fills,
  type WorkPrice,
} from "../../../lib/work/price.ts";

/** In seconds, as the others: the shortest hold. */
export const HOUR = 3_600;
/** What the base price is for. */
export const DAY = 86_400;
/** The longest hold. */
export const MONTH = 2_592_000;
/** In bytes. */
export const KIB = 1_024;

/** What genuine Maxima senders mine for (spec/maxima.md 5, 4). */
export const MAXIMA_TARGET = BigInt(
  "0x05F53392866C5C645155AF3F16D07737B43B48C44F76AA0C00000000000000",
);
/** Bytes of an envelope of the largest package and TxPoW. */
export const LARGEST = 262_144 + 65_536 + 7;

/** So many twentieths of a quota used. */
export function filled(mailbox: number, relay = 0): Fills {
  return {
    mailbox: { used: mailbox, quota: 20 },
    relay: { used: relay, quota: 20 },
  };
}

/** The default price with some settings changed. */
export function priced(change: Partial<WorkPrice>): WorkPrice {
  return { ...DEFAULT_WORK_PRICE, ...change };
}
