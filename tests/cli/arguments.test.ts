/** Arguments that are numbers: what is taken, and what is not. */
import assert from "node:assert/strict";
import { InvalidArgumentError } from "commander";
import {
  parseBandwidth,
  parseBits,
  parseCount,
  parseTime,
} from "../../cli/arguments.ts";

/** A parser, what it takes and gives, and what it refuses. */
interface Row {
  readonly parse: (text: string) => number;
  readonly takes: Readonly<Record<string, number>>;
  readonly refuses: readonly string[];
  readonly says: RegExp;
}

/** No parser takes any of these. */
const NEVER = [
  "",
  " ",
  "-1",
  "+1",
  "1.5",
  "1e3",
  "0x10",
  "1 ",
  " 1",
  "١",
  "NaN",
  "1\n",
];

const TABLE: Readonly<Record<string, Row>> = {
  parseTime: {
    parse: parseTime,
    takes: {
      "0": 0,
      "1": 1,
      "3600": 3_600,
      "3600s": 3_600,
      "1s": 1,
      "1m": 60,
      "90m": 5_400,
      "1h": 3_600,
      "36h": 129_600,
      "1d": 86_400,
      "7d": 604_800,
      "30d": 2_592_000,
      "999999999": 999_999_999,
    },
    refuses: [
      "h",
      "1H",
      "1w",
      "1y",
      "1ms",
      "1hh",
      "1h30m",
      "1 h",
      "h1",
      "1000000000",
      "7d ",
    ],
    says: /^not a time such as 3600, 90m, 36h or 7d\.$/,
  },
  parseCount: {
    parse: parseCount,
    takes: { "0": 0, "1": 1, "999999999999999": 999_999_999_999_999 },
    refuses: ["1000000000000000", "1h", "many"],
    says: /^not a whole number\.$/,
  },
  parseBandwidth: {
    parse: parseBandwidth,
    takes: { "0": 0, "9600": 9_600, "999999999999": 999_999_999_999 },
    refuses: ["1000000000000", "1M", "fast"],
    says: /^not a number of bits a second\.$/,
  },
  parseBits: {
    parse: parseBits,
    takes: { "1024": 1_024, "1536": 1_536, "2048": 2_048, "4096": 4_096 },
    refuses: ["1023", "4097", "512", "8192", "01536", "15360", "abcd", "0"],
    says: /^not a number of bits from 1024 to 4096\.$/,
  },
};

for (const [name, { parse, takes, refuses, says }] of Object.entries(TABLE)) {
  Deno.test(`${name}() takes what is of its form, and nothing else`, () => {
    for (const [text, value] of Object.entries(takes)) {
      assert.equal(parse(text), value, text);
    }
    for (const text of [...NEVER, ...refuses]) {
      assert.throws(() => parse(text), (error) => {
        assert.ok(error instanceof InvalidArgumentError, text);
        assert.match(error.message, says, text);
        return true;
      }, text);
    }
  });
}
