/** What holds of every text of data, of a key and of an address. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ContactAddress,
  contactAddressText,
  contactHost,
  parseContactAddress,
  parsePermanentAddress,
} from "../../../lib/minima/address.ts";
import {
  hexText,
  parseHex,
  TextFormError,
} from "../../../lib/minima/minidata.ts";
import { mxText } from "../../../lib/minima/mxtext.ts";
import { bytes, check, record, text } from "./arbitraries.ts";
import { addressLike, orNull, textOf } from "./text_arbitraries.ts";

Deno.test("parseHex() gives a TextFormError, or data whose text gives it back", () => {
  check(fc.property(bytes(80), (data) => {
    assert.deepEqual(parseHex(hexText(data)), data);
  }));
  check(
    fc.property(fc.oneof(text, textOf("0123456789abcdefABCDEFxX")), (input) => {
      const data = orNull(() => parseHex(input), TextFormError);
      if (data === null) return;
      assert.deepEqual(parseHex(hexText(data)), data);
    }),
    5_000,
  );
});

Deno.test("parseHex() takes either case and either prefix, and an odd count", () => {
  const table: readonly (readonly [string, string])[] = [
    ["", ""],
    ["0x", ""],
    ["0X", ""],
    ["0xaB", "ab"],
    ["0XAb", "ab"],
    ["aBc", "0abc"],
    ["0x1", "01"],
    ["00", "00"],
  ];
  for (const [input, bytes] of table) {
    assert.equal(parseHex(input).toHex(), bytes, input);
  }
  const none = [
    "0x0x1",
    "x1",
    " 1",
    "1 ",
    "1\n",
    "0\u017f",
    "\u0661",
    "\uff11",
    "+1",
    "-1",
    "0xg",
  ];
  for (const input of none) {
    assert.throws(() => parseHex(input), TextFormError, input);
  }
});

const contact: fc.Arbitrary<ContactAddress> = record({
  publicKey: bytes(300),
  host: text.map((host) => host.replaceAll(":", ".")),
  port: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
});

Deno.test("parseContactAddress() of what contactAddressText() gives is the address", () => {
  check(fc.property(contact, textOf("0123456789xABCDEF"), (address, key) => {
    const written = contactAddressText(address);
    assert.deepEqual(parseContactAddress(written), address);
    assert.deepEqual(parsePermanentAddress(`MAX#${key}#${written}`), {
      publicKeyText: key,
      mlsText: written,
      mls: address,
    });
  }));
});

Deno.test("parseContactAddress() and parsePermanentAddress() give a TextFormError or an address", () => {
  const key = fc.oneof(addressLike, bytes(40).map(mxText), textOf("09afAF"));
  const port = fc.oneof(
    textOf("0189+-"),
    fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n }).map(String),
  );
  const mostly = fc.tuple(key, textOf("abc.:@"), port).map((
    [key, host, port],
  ) => `${key}@${host}:${port}`);
  check(
    fc.property(fc.oneof(addressLike, mostly), (input) => {
      const address = orNull(() => parseContactAddress(input), TextFormError);
      const permanent = orNull(
        () => parsePermanentAddress(`MAX##${input}`),
        TextFormError,
      );
      assert.deepEqual(permanent?.mls ?? null, address);
      if (address === null) return;
      assert.ok(address.port === (address.port | 0));
      assert.ok(input.includes(`@${address.host}:`));
    }),
    5_000,
  );
});

Deno.test("contactHost() is the host, and the port or the scheme's own", () => {
  const table: readonly (readonly [string, string, number])[] = [
    ["https://relay.example", "relay.example", 443],
    ["https://relay.example:443/", "relay.example", 443],
    ["https://relay.example:8443", "relay.example", 8_443],
    ["http://127.0.0.1", "127.0.0.1", 80],
    ["http://127.0.0.1:8000", "127.0.0.1", 8_000],
    ["http://localhost:443", "localhost", 443],
  ];
  for (const [url, host, port] of table) {
    assert.deepEqual(contactHost(url), { host, port }, url);
  }
});

/** Ports as they are written, and what they are; null is none. */
const PORTS: readonly [string, number | null][] = [
  ["9001", 9_001],
  ["+9001", 9_001],
  ["0009001", 9_001],
  ["-1", -1],
  ["-0", 0],
  ["+0", 0],
  ["2147483647", 2_147_483_647],
  ["-2147483648", -2_147_483_648],
  ["2147483648", null],
  ["-2147483649", null],
  ["", null],
  ["+", null],
  ["+-1", null],
  ["1 ", null],
  ["1\n", null],
  ["1.0", null],
  ["1e3", null],
  ["0x1", null],
  ["\u0661", null],
  ["1:1", null],
];

Deno.test("parseContactAddress() takes a port that is a signed 32-bit decimal", () => {
  for (const [port, value] of PORTS) {
    const parse = () => parseContactAddress(`0xAB@host:${port}`);
    if (value === null) assert.throws(parse, TextFormError, port);
    else assert.equal(parse().port, value);
  }
});
