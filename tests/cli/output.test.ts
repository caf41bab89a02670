/** What is printed: all of it, clean, or a failure. */
import assert from "node:assert/strict";
import { print, printJson, printResult, timeText } from "../../cli/output.ts";

/** What is printed while something is done, three bytes a write. */
async function printedBy(work: () => Promise<void>): Promise<string> {
  const written: number[] = [];
  const real = Deno.stdout.write;
  Deno.stdout.write = (bytes) => {
    const taken = bytes.subarray(0, 3);
    written.push(...taken);
    return Promise.resolve(taken.length);
  };
  try {
    await work();
  } finally {
    Deno.stdout.write = real;
  }
  return new TextDecoder().decode(new Uint8Array(written));
}

Deno.test("print() prints all of a text, however little is taken at once, and lets no terminal obey it", async () => {
  const text = "ä long text\n\tof two lines";
  assert.equal(await printedBy(() => print(text)), `${text}\n`);
  assert.equal(
    await printedBy(() => print("a\x1b[2J\r")),
    "a\\u{1b}[2J\\u{d}\n",
  );
});

Deno.test("printResult() prints the document with --json, else the text", async () => {
  const result = (json?: boolean) =>
    printedBy(() =>
      printResult(json === undefined ? {} : { json }, { a: "\x9b" }, "text")
    );
  assert.equal(await result(true), '{"a":"\\u009b"}\n');
  assert.equal(await result(false), "text\n");
  assert.equal(await result(), "text\n");
  assert.equal(await printedBy(() => printJson([1], 1)), "[\n 1\n]\n");
});

Deno.test("print() fails where nobody reads", async () => {
  const real = Deno.stdout.write;
  Deno.stdout.write = () => Promise.reject(new Deno.errors.BrokenPipe());
  try {
    await assert.rejects(print("text"), Deno.errors.BrokenPipe);
  } finally {
    Deno.stdout.write = real;
  }
});

Deno.test("timeText() is ISO 8601 or unknown", () => {
  const table: [milliseconds: number, text: string][] = [
    [0, "1970-01-01T00:00:00.000Z"],
    [8.64e15, "+275760-09-13T00:00:00.000Z"],
    [8.64e15 + 1, "unknown"],
    [NaN, "unknown"],
    [Infinity, "unknown"],
  ];
  for (const [milliseconds, text] of table) {
    assert.equal(timeText(milliseconds), text);
  }
});
