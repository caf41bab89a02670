/** What others wrote, before it reaches a terminal or a document. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  asciiJson,
  fenced,
  labelled,
  oneLine,
  ownLines,
  shown,
} from "../../cli/terminal_text.ts";
import { check } from "../lib/property.ts";
import { anyText, firstUnwanted, UNWANTED } from "./any_text.ts";

const RUNS = 500;

Deno.test("oneLine() spells out every character that commands a terminal, reorders or hides", () => {
  for (const [what, points] of UNWANTED) {
    for (const point of points) {
      const spelt = `a\\u{${point.toString(16)}}b`;
      assert.equal(oneLine(`a${String.fromCodePoint(point)}b`), spelt, what);
    }
  }
  for (const text of ["plain", "ä𝄞 字 é אב", "\\u{202e}", "~ \u00a0", ""]) {
    assert.equal(oneLine(text), text);
  }
});

Deno.test("oneLine() leaves nothing unwanted in any text", async () => {
  await check(
    fc.property(anyText, (text) => {
      assert.equal(firstUnwanted(oneLine(text)), undefined);
    }),
    RUNS,
  );
});

Deno.test("ownLines() leaves line ends and tabs, and nothing else that is unwanted", async () => {
  assert.equal(ownLines("a\n\tb\r\x1b"), "a\n\tb\\u{d}\\u{1b}");
  await check(
    fc.property(anyText, (text) => {
      assert.equal(firstUnwanted(ownLines(text), "\n\t"), undefined);
    }),
    RUNS,
  );
});

Deno.test("shown`` ends a line only where the program does", () => {
  const hostile = "x\nfrom y\u2028z\t";
  assert.equal(
    shown`a ${hostile}\nb ${7}\\`,
    "a x\\u{a}from y\\u{2028}z\\u{9}\nb 7\\",
  );
  assert.equal(shown`nothing`, "nothing");
});

Deno.test("fenced() begins a line wherever some reader would, and says by what", () => {
  const table: [text: string, expected: string][] = [
    ["", "| "],
    ["one", "| one"],
    ["one\ntwo", "| one\n| two"],
    ["one\r\ntwo", "| one\n| two"],
    ["one\n\ntwo\n", "| one\n| \n| two\n| "],
    ["one\rfrom x", "| one\\u{d}\n| from x"],
    ["one\r\r\nfrom x", "| one\\u{d}\n| \n| from x"],
    ["one\vfrom x", "| one\\u{b}\n| from x"],
    ["one\ffrom x", "| one\\u{c}\n| from x"],
    ["one\u0085from x", "| one\\u{85}\n| from x"],
    ["one\u2028from x", "| one\\u{2028}\n| from x"],
    ["one\u2029from x", "| one\\u{2029}\n| from x"],
    ["a\tb\x1b[1A\u202e", "| a\tb\\u{1b}[1A\\u{202e}"],
  ];
  for (const [text, expected] of table) {
    assert.equal(fenced(text), expected, JSON.stringify(text));
  }
});

/** Columns that a row takes where a terminal makes every character wide. */
const columnsOf = (row: string) =>
  [...row].reduce(
    (sum, character) =>
      sum + (character === "\t" ? 8 : /^[\x20-\x7e]$/.test(character) ? 1 : 2),
    0,
  );

Deno.test("fenced() lets a terminal begin no row without a fence, whatever the text", async () => {
  await check(
    fc.property(
      anyText,
      fc.option(fc.integer({ min: 10, max: 120 })),
      (text, columns) => {
        const rows = fenced(text, columns).split("\n");
        for (const row of rows) {
          assert.ok(row.startsWith("| "), row);
          assert.equal(firstUnwanted(row, "\t"), undefined);
          if (columns !== null) assert.ok(columnsOf(row) <= columns, row);
        }
        // Nothing but rows is added.
        const whole = (text: string) => text.replaceAll(/^\| /gm, "");
        assert.equal(
          rows.map(whole).join(""),
          fenced(text).split("\n").map(whole).join(""),
        );
      },
    ),
    RUNS,
  );
});

Deno.test("fenced() fills the rows of a terminal to the last column", () => {
  assert.equal(fenced("abcdefgh", 10), "| abcdefgh");
  assert.equal(fenced("abcdefghi", 10), "| abcdefgh\n| i");
  assert.equal(fenced("字字字字字", 10), "| 字字字字\n| 字");
  assert.equal(fenced("ab\tc", 12), "| ab\t\n| c");
  assert.equal(fenced("abc", 1), "| a\n| b\n| c", "one at least");
});

Deno.test("labelled() keeps what is labelled off the left edge", () => {
  assert.equal(labelled("for  ", "a\nfrom b", null), "for  a\\u{a}from b");
  assert.equal(
    labelled("for  ", "abcdefg", 8),
    "for  abc\n     def\n     g",
  );
  assert.equal(labelled("for  ", "", 8), "for  ");
});

Deno.test("asciiJson() is printable ASCII on one line, and parses back to exactly what it was made of", async () => {
  for (const [what, points] of UNWANTED) {
    const text = points.map((point) => String.fromCodePoint(point)).join("x");
    const json = asciiJson({ text });
    assert.match(json, /^[\x20-\x7e]*$/, what);
    assert.deepEqual(JSON.parse(json), { text }, what);
  }
  await check(
    fc.property(anyText, anyText, (name, text) => {
      const document = [{ [`${name}!`]: text }, null, 1, text];
      const json = asciiJson(document);
      assert.match(json, /^[\x20-\x7e]*$/);
      assert.deepEqual(JSON.parse(json), document);
    }),
    RUNS,
  );
  assert.equal(asciiJson({ a: "ä" }, 2), '{\n  "a": "\\u00e4"\n}');
});
