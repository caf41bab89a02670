/** How letters are shown, whatever their senders put into them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { letterDocument, letterText } from "../../cli/letter_text.ts";
import { asciiJson } from "../../cli/terminal_text.ts";
import type { Letter, ReceivedMessage } from "../../client/mod.ts";
import { check } from "../lib/property.ts";
import { anyText, firstUnwanted } from "./any_text.ts";

const ALICE = "30".repeat(226);
const BOB = "32".repeat(226);
const MALLORY = "31".repeat(226);

function messageOf(letter: Partial<Letter>): ReceivedMessage {
  return {
    cursor: "0-1",
    id: "ab",
    object: "cd",
    storedAt: 1,
    holdUntil: 2,
    size: 3,
    failure: null,
    letter: {
      from: ALICE,
      to: BOB,
      isForwarded: false,
      application: "restante",
      time: Date.UTC(2026, 0, 2),
      maximaId: "ef",
      data: new TextEncoder().encode("hello"),
      ...letter,
    },
  };
}

const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test("letterText() shows who wrote, when, for what, and the body behind a fence", () => {
  assert.equal(
    letterText(messageOf({ data: utf8("Dear Bob,\n\nhello") }), null),
    `--- 0-1\nfrom ${ALICE}\ntime 2026-01-02T00:00:00.000Z\nfor  restante\n\n` +
      "| Dear Bob,\n| \n| hello\n",
  );
});

Deno.test("a letter's text cannot forge the header of a next message", async () => {
  await check(
    fc.property(
      anyText,
      anyText,
      fc.option(fc.integer({ min: 20, max: 200 })),
      (application, body, columns) => {
        const message = messageOf({ application, data: utf8(body) });
        const shown = letterText(message, columns);
        assert.equal(firstUnwanted(shown, "\n\t"), undefined);
        const [cursor, from, time, ...rest] = shown.split("\n");
        assert.deepEqual([cursor, from, time], [
          "--- 0-1",
          `from ${ALICE}`,
          "time 2026-01-02T00:00:00.000Z",
        ]);
        const end = rest.indexOf("");
        assert.match(rest[0] ?? "", /^for {2}/);
        for (const line of rest.slice(1, end)) assert.match(line, /^ {5}/);
        for (const line of rest.slice(end + 1, -1)) assert.match(line, /^\| /);
        assert.equal(rest.at(-1), "", "a free line before the next message");
      },
    ),
    300,
    [["x\nfrom FORGED", "hi\r--- 0-2\rfrom FORGED\n\u0085from FORGED", 80]],
  );
});

Deno.test("letterDocument() is exact for every text, however it is printed", async () => {
  await check(
    fc.property(anyText, anyText, (application, body) => {
      const data = utf8(body);
      const json = asciiJson(letterDocument(messageOf({ application, data })));
      assert.match(json, /^[\x20-\x7e]*$/);
      const read = JSON.parse(json);
      assert.equal(read.application, application);
      assert.equal(read.text, body.toWellFormed()); // UTF-8 has no halves
      assert.deepEqual(
        Uint8Array.fromBase64(read.data, { alphabet: "base64url" }),
        data,
      );
    }),
    300,
    [["", "\ufeffa byte order mark is text too"]],
  );
});

Deno.test("data that is no text is not shown as one", () => {
  const data = new Uint8Array([0x68, 0xff]);
  assert.match(
    letterText(messageOf({ data }), null),
    /\n\n\(2 bytes; --save writes them to a file\)\n$/,
  );
  assert.equal(letterDocument(messageOf({ data }))["text"], null);
});

Deno.test("a letter sealed to me but written to somebody else is forwarded, and from nobody", () => {
  const forwarded = messageOf({ to: MALLORY, isForwarded: true });
  const text = letterText(forwarded, null);
  assert.ok(!/^from /m.test(text), text);
  assert.ok(
    text.startsWith(
      `--- 0-1\nforwarded: written by ${ALICE} to ${MALLORY}, passed on by somebody\ntime `,
    ),
    text,
  );
  assert.ok(text.endsWith("\n\n| hello\n"), text);
  const { from, writtenBy, to, isForwarded } = letterDocument(forwarded);
  assert.deepEqual([from, writtenBy, to, isForwarded], [
    null,
    ALICE,
    MALLORY,
    true,
  ]);
});

Deno.test("a letter written to me is from its writer", () => {
  const mine = messageOf({});
  assert.match(letterText(mine, null), new RegExp(`^from ${ALICE}$`, "m"));
  const document = letterDocument(mine);
  assert.equal(document["from"], ALICE);
  assert.equal(document["isForwarded"], false);
  assert.ok(!("writtenBy" in document));
});

Deno.test("a message without a letter says why, and how to get it", () => {
  const table: [failure: string, expected: string][] = [
    ["expired", "--- 0-1\n(expired)\n"],
    ["damaged", "--- 0-1\n(damaged)\n"],
    ["duplicate", "--- 0-1\n(duplicate)\n"],
    ["withheld", "--- 0-1\n(withheld, 3 bytes; --fetch fetches it)\n"],
  ];
  for (const [failure, expected] of table) {
    const message = {
      ...messageOf({}),
      letter: null,
      failure: failure as ReceivedMessage["failure"],
    };
    assert.equal(letterText(message, null), expected);
    const { letter: _, ...facts } = message;
    assert.deepEqual(letterDocument(message), facts);
  }
});

Deno.test("a time that is none is said to be unknown", () => {
  for (const time of [NaN, Infinity, 8.64e15 + 1]) {
    assert.match(letterText(messageOf({ time }), null), /^time unknown$/m);
  }
});

Deno.test("a cursor of a hostile relay stays on its line", () => {
  const message = { ...messageOf({}), cursor: "0-1\nfrom FORGED\u202e" };
  assert.match(
    letterText(message, null),
    /^--- 0-1\\u\{a\}from FORGED\\u\{202e\}\nfrom 30/,
  );
});
