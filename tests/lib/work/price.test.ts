/** What work buys (DESIGN section 3). */
import assert from "node:assert/strict";
import { MIN_WORK_TARGET } from "../../../lib/minima/constants.ts";
import { Problem } from "../../../lib/problem.ts";
import {
  doublings,
  EMPTY_FILL,
  EMPTY_FILLS,
  type Fills,
  type PricedMessage,
  priceHold,
  quoteWork,
  workMembers,
  type WorkPrice,
} from "../../../lib/work/price.ts";
import { targetOf } from "../../../lib/work/target.ts";
import {
  DAY,
  filled,
  HOUR,
  KIB,
  LARGEST,
  MAXIMA_TARGET,
  MONTH,
  priced,
} from "./prices.ts";

interface HoldCase extends PricedMessage {
  readonly fills?: Fills;
  readonly price?: WorkPrice;
  readonly hold: number;
}

const HOLDS: Readonly<Record<string, HoldCase>> = {
  "10,000 hashes keep 4 KiB for 24 h": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    hold: DAY,
  },
  "a genuine sender's 10,999.99… hashes a tenth longer": {
    size: 4_096,
    target: MAXIMA_TARGET,
    hold: 95_039,
  },
  "a genuine message of 1,496 bytes for three days": {
    size: 1_496,
    target: MAXIMA_TARGET,
    hold: 260_216,
  },
  "twice the work twice as long": {
    size: 4_096,
    target: targetOf(20_000),
    hold: 2 * DAY,
  },
  "a hundred times the work up to 30 d only": {
    size: 4_096,
    target: targetOf(1_000_000),
    hold: MONTH,
  },
  "30 d to the second": {
    size: 4_096,
    target: targetOf(300_000),
    hold: MONTH,
  },
  "twice the size half as long": {
    size: 8_192,
    target: MIN_WORK_TARGET,
    hold: DAY / 2,
  },
  "96 KiB for the shortest hold": {
    size: 96 * KIB,
    target: MIN_WORK_TARGET,
    hold: HOUR,
  },
  "a byte more needs a hash more": {
    size: 96 * KIB + 1,
    target: targetOf(10_001),
    hold: HOUR,
  },
  "136 bytes for over 30 d": {
    size: 136,
    target: MIN_WORK_TARGET,
    hold: MONTH,
  },
  "137 bytes for less": {
    size: 137,
    target: MIN_WORK_TARGET,
    hold: 2_583_170,
  },
  "a byte for 30 d": { size: 1, target: MIN_WORK_TARGET, hold: MONTH },
  "any size for a target of 1": { size: LARGEST, target: 1n, hold: MONTH },
  "for as long as is wanted": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    wanted: HOUR,
    hold: HOUR,
  },
  "for all that is paid, if that is wanted": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    wanted: DAY,
    hold: DAY,
  },
  "for 30 d if that is wanted and paid": {
    size: 4_096,
    target: targetOf(300_000),
    wanted: MONTH,
    hold: MONTH,
  },
  "at the base price up to a quarter of both quotas": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    fills: filled(5, 5),
    hold: DAY,
  },
  "half as long in a mailbox that is 30 % full": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    fills: filled(6),
    hold: DAY / 2,
  },
  "half as long on a relay that is 30 % full": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    fills: filled(0, 6),
    hold: DAY / 2,
  },
  "a quarter as long where both are": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    fills: filled(6, 6),
    hold: DAY / 4,
  },
  "a sixteenth in a mailbox that is 45 % full": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    fills: filled(9),
    hold: DAY / 16,
  },
  "for 2^15 times the work in a full mailbox": {
    size: 4_096,
    target: targetOf(10_000 * 2 ** 15),
    fills: filled(20),
    hold: DAY,
  },
  "for 2^30 times the work where both are full": {
    size: 4_096,
    target: targetOf(10_000 * 2 ** 30),
    fills: filled(20, 20),
    hold: DAY,
  },
  "half as long at twice the hashes": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    price: priced({ hashes: 20_000 }),
    hold: DAY / 2,
  },
  "twice as long at twice the bytes": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    price: priced({ bytes: 8_192 }),
    hold: 2 * DAY,
  },
  "an hour at an hour's price": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    price: priced({ seconds: HOUR }),
    hold: HOUR,
  },
  "at most what the operator allows": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    price: priced({ holdSeconds: { min: HOUR, max: 2 * HOUR } }),
    hold: 2 * HOUR,
  },
  "for a minute where that is the shortest": {
    size: 1_440 * 4_096,
    target: MIN_WORK_TARGET,
    price: priced({ holdSeconds: { min: 60, max: MONTH } }),
    hold: 60,
  },
};

for (
  const [rule, { fills, price, hold, ...message }] of Object.entries(HOLDS)
) {
  Deno.test(`priceHold() keeps ${rule}`, () => {
    assert.equal(priceHold(message, fills ?? EMPTY_FILLS, price), hold);
  });
}

interface RefusalCase extends Omit<HoldCase, "hold"> {
  /** What would do. */
  readonly hashes: number;
  readonly seconds: number;
}

const REFUSALS: Readonly<Record<string, RefusalCase>> = {
  "a byte too much for the shortest hold": {
    size: 96 * KIB + 1,
    target: MIN_WORK_TARGET,
    hashes: 10_001,
    seconds: HOUR,
  },
  "a hash too little for the shortest hold": {
    size: 96 * KIB,
    target: targetOf(9_999),
    hashes: 10_000,
    seconds: HOUR,
  },
  "the largest envelope at the minimum": {
    size: LARGEST,
    target: MIN_WORK_TARGET,
    hashes: 33_335,
    seconds: HOUR,
  },
  "a second more than is paid": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    wanted: DAY + 1,
    hashes: 10_001,
    seconds: DAY + 1,
  },
  "30 d at the price of a day": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    wanted: MONTH,
    hashes: 300_000,
    seconds: MONTH,
  },
  "a day in a mailbox that is 30 % full": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    wanted: DAY,
    fills: filled(6),
    hashes: 20_000,
    seconds: DAY,
  },
  "an hour in a mailbox that is half full": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    fills: filled(10),
    hashes: 13_334,
    seconds: HOUR,
  },
  "an hour in a full mailbox": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    fills: filled(20),
    hashes: 13_653_334,
    seconds: HOUR,
  },
  "a day where both are full": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    wanted: DAY,
    fills: filled(20, 20),
    hashes: 10_000 * 2 ** 30,
    seconds: DAY,
  },
  "the shortest hold of an operator who asks for more": {
    size: 4_096,
    target: MIN_WORK_TARGET,
    price: priced({ holdSeconds: { min: 2 * DAY, max: MONTH } }),
    hashes: 20_000,
    seconds: 2 * DAY,
  },
  "no work to speak of": {
    size: 4_096,
    target: 2n ** 256n,
    hashes: 10_000,
    seconds: HOUR,
  },
};

for (
  const [rule, { fills = EMPTY_FILLS, price, hashes, seconds, ...message }]
    of Object.entries(REFUSALS)
) {
  Deno.test(`priceHold() refuses ${rule}, and says what would do`, () => {
    const quote = quoteWork(message.size, seconds, fills, price);
    assert.equal(quote.hashes, hashes);
    assert.throws(() => priceHold(message, fills, price), (error) => {
      assert.ok(error instanceof Problem, `${error} is no Problem`);
      assert.equal(error.code, "work-insufficient");
      assert.deepEqual(error.members, {
        target: quote.target.toString(16).padStart(64, "0"),
        hashes,
        seconds,
      });
      const target = BigInt(`0x${error.members["target"]}`);
      const enough = priceHold({ ...message, target }, fills, price);
      assert.ok(enough >= seconds, `what is quoted keeps it for ${enough} s`);
      if (message.wanted !== undefined) assert.equal(enough, message.wanted);
      return true;
    });
  });
}

const DOUBLINGS: readonly (readonly [
  used: number,
  quota: number,
  times: number,
])[] = [
  [0, 100, 0],
  [24, 100, 0],
  [25, 100, 0],
  [29, 100, 0],
  [30, 100, 1],
  [34, 100, 1],
  [35, 100, 2],
  [50, 100, 5],
  [75, 100, 10],
  [95, 100, 14],
  [99, 100, 14],
  [100, 100, 15],
  [101, 100, 15],
  [1_000, 100, 15],
  [2_999_999_999, 10_000_000_000, 0],
  [3_000_000_000, 10_000_000_000, 1],
  [0, 1, 0],
];

for (const [used, quota, times] of DOUBLINGS) {
  Deno.test(`doublings() of ${used} in ${quota} bytes are ${times}`, () => {
    assert.equal(doublings({ used, quota }), times);
  });
}

Deno.test("doublings() of nothing stored are none", () => {
  assert.equal(doublings(EMPTY_FILL), 0);
});

Deno.test("quoteWork() asks for the network minimum at least", () => {
  for (const [bytes, seconds] of [[1, 1], [1, MONTH], [4_096, DAY]] as const) {
    assert.deepEqual(quoteWork(bytes, seconds, EMPTY_FILLS), {
      target: MIN_WORK_TARGET,
      hashes: 10_000,
    });
  }
});

Deno.test("quoteWork() is in proportion to size, hold and 2^doublings", () => {
  for (
    const [bytes, seconds, fills, hashes] of [
      [8_192, DAY, EMPTY_FILLS, 20_000],
      [4_096, 2 * DAY, EMPTY_FILLS, 20_000],
      [4_096, DAY, filled(6), 20_000],
      [4_096, DAY, filled(7, 7), 160_000],
      [LARGEST, MONTH, EMPTY_FILLS, 24_000_513],
      [4_096, MONTH, filled(20), 9_830_400_000],
      [4_096, MONTH, filled(20, 20), 322_122_547_200_000],
    ] as const
  ) {
    const quote = quoteWork(bytes, seconds, fills);
    assert.deepEqual(quote, { target: targetOf(hashes), hashes });
  }
});

Deno.test("workMembers() tell target, hashes and seconds", () => {
  assert.deepEqual(workMembers({ target: 255n, hashes: 7 }, 9), {
    target: "0".repeat(62) + "ff",
    hashes: 7,
    seconds: 9,
  });
});
