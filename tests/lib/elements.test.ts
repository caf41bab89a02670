/** Elements: listed messages as bytes, and what are none. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeElement,
  decodeElements,
  type Element,
  type ElementBounds,
  encodeElements,
} from "../../lib/elements.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { Problem } from "../../lib/problem.ts";
import { assertProblem } from "./problems.ts";
import { check, flip, flipped } from "./property.ts";

const BOUNDS: ElementBounds = { count: 50, facts: 2_000, body: 300 };

const utf8 = new TextEncoder();

/** A part behind its length, or behind another one that lies. */
function part(text: string | Bytes, length?: number): Bytes {
  const bytes = typeof text === "string" ? utf8.encode(text) : text;
  const framed = new Uint8Array(4 + bytes.length);
  new DataView(framed.buffer).setUint32(0, length ?? bytes.length, true);
  framed.set(bytes, 4);
  return framed;
}

function joined(...parts: Uint8Array[]): Bytes {
  return new Uint8Array(parts.flatMap((bytes) => [...bytes]));
}

const bytes = (options: fc.IntArrayConstraints) =>
  fc.uint8Array(options).map((array) => new Uint8Array(array));

const facts = fc.dictionary(
  fc.string({ unit: "binary" }).filter((name) => name !== "__proto__"),
  fc.oneof(
    fc.string({ unit: "binary" }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  ),
  { maxKeys: 9, noNullPrototype: true },
);
const elements: fc.Arbitrary<Element> = fc.record({
  facts,
  body: fc.option(bytes({ minLength: 1, maxLength: 300 })),
}, { noNullPrototype: true });

Deno.test("encodeElements() writes length, facts, length and body, little-endian", () => {
  const written = encodeElements([
    { facts: { a: "é" }, body: Uint8Array.of(1, 2, 3) },
    { facts: {}, body: null },
  ]);
  assert.equal(
    written.toHex(),
    "0a000000" + utf8.encode('{"a":"é"}').toHex() + "03000000" + "010203" +
      "02000000" + utf8.encode("{}").toHex() + "00000000",
  );
  assert.equal(written.buffer.byteLength, written.length, "in one piece");
  assert.equal(encodeElements([]).length, 0);
});

Deno.test("decodeElements() gives back what encodeElements() was given", async () => {
  const list = fc.array(elements, { maxLength: 20 });
  await check(
    fc.property(list, (list) => {
      const wide = { ...BOUNDS, facts: 2 ** 16 };
      assert.deepEqual(decodeElements(encodeElements(list), wide), list);
    }),
    300,
  );
});

Deno.test("decodeElements() reads from where its bytes begin, and copies no body", () => {
  const list = [{ facts: { n: 1 }, body: Uint8Array.of(7) }];
  const longer = joined(new Uint8Array(9), encodeElements(list));
  const [element] = decodeElements(longer.subarray(9), BOUNDS);
  assert.deepEqual(element, list[0]);
  assert.equal(element?.body?.buffer, longer.buffer);
});

const GOOD = joined(part("{}"), part("x"));

/** Bytes that are no elements, and what is said of them. */
const BAD: Readonly<Record<string, readonly [Bytes, RegExp]>> = {
  "half a length": [Uint8Array.of(2, 0, 0), /end amid facts/],
  "a length alone": [Uint8Array.of(2, 0, 0, 0), /end amid facts/],
  "facts alone": [part("{}"), /end amid a body/],
  "half the length of a body": [
    joined(part("{}"), Uint8Array.of(1, 0)),
    /end amid a body/,
  ],
  "half a body": [joined(part("{}"), part("x", 2)), /end amid a body/],
  "facts longer than there are bytes": [
    joined(part("{}", 100), part("x")),
    /end amid facts/,
  ],
  "facts of 4 GiB": [
    joined(part("{}", 2 ** 32 - 1), part("x")),
    /facts of 4294967295 bytes, over 2000/,
  ],
  "a body of 4 GiB": [
    joined(part("{}"), part("x", 2 ** 32 - 1)),
    /a body of 4294967295 bytes, over 300/,
  ],
  "a big-endian length": [
    joined(Uint8Array.of(0, 0, 0, 2), utf8.encode("{}"), part("x")),
    /facts of 33554432 bytes/,
  ],
  "a byte behind the last": [joined(GOOD, Uint8Array.of(0)), /end amid facts/],
  "no facts": [joined(part(""), part("x")), /no JSON$/],
  "facts cut short": [joined(part('{"a":'), part("x")), /no JSON$/],
  "facts and more": [joined(part("{}}"), part("x")), /no JSON$/],
  "facts behind a byte order mark": [
    joined(part("\u{feff}{}"), part("x")),
    /no JSON$/,
  ],
  "facts that are no UTF-8": [
    joined(part(Uint8Array.of(0x22, 0xff, 0x22)), part("x")),
    /no JSON$/,
  ],
  "null": [joined(part("null"), part("x")), /no JSON object/],
  "a list": [joined(part("[]"), part("x")), /no JSON object/],
  "a text": [joined(part('"{}"'), part("x")), /no JSON object/],
};

for (const [what, [bytes, detail]] of Object.entries(BAD)) {
  Deno.test(`decodeElements() refuses ${what}, by itself and behind another`, () => {
    for (const all of [bytes, joined(GOOD, bytes)]) {
      assertProblem(() => decodeElements(all, BOUNDS), "malformed", detail);
    }
  });
}

Deno.test("decodeElements() takes as much as its bounds say, and no more", () => {
  const text = `{"a":"${"x".repeat(1_992)}"}`;
  const all = { facts: text.length, count: 3, body: 9 };
  const most = joined(
    ...Array(3).fill(joined(part(text), part("y".repeat(9)))),
  );
  assert.equal(decodeElements(most, all).length, 3);
  for (const bound of ["facts", "count", "body"] as const) {
    const less = { ...all, [bound]: all[bound] - 1 };
    assertProblem(() => decodeElements(most, less), "malformed", /over|more/);
  }
});

Deno.test("decodeElement() takes one element, not none and not two", () => {
  assert.deepEqual(decodeElement(GOOD, BOUNDS), {
    facts: {},
    body: utf8.encode("x"),
  });
  for (const bytes of [new Uint8Array(), joined(GOOD, GOOD)]) {
    assertProblem(() => decodeElement(bytes, BOUNDS), "malformed", /./);
  }
});

Deno.test("decodeElements() gives elements or a problem, whatever it is given", async () => {
  const total = (given: Bytes) => {
    try {
      const list = decodeElements(given, BOUNDS);
      assert.ok(list.length <= BOUNDS.count);
      for (const { body } of list) assert.notEqual(body?.length, 0);
    } catch (error) {
      assert.ok(error instanceof Problem && error.code === "malformed");
    }
  };
  await check(fc.property(bytes({ maxLength: 200 }), total), 500);
  const some = fc.array(elements, { minLength: 1, maxLength: 5 });
  await check(
    fc.property(some, flip, fc.nat(), (list, change, cut) => {
      const written = encodeElements(list);
      total(flipped(written, change));
      total(written.subarray(0, cut % written.length));
    }),
    500,
  );
});

Deno.test("decodeElements() refuses what is cut off anywhere but between two elements", () => {
  const written = encodeElements([
    { facts: { a: 1 }, body: Uint8Array.of(1, 2) },
    { facts: { b: 2 }, body: null },
  ]);
  const first = 4 + 7 + 4 + 2;
  for (let length = 0; length < written.length; length++) {
    const cut = written.subarray(0, length);
    if (length === 0 || length === first) {
      assert.equal(decodeElements(cut, BOUNDS).length, length / first);
    } else {
      assertProblem(() => decodeElements(cut, BOUNDS), "malformed", /end amid/);
    }
  }
});
