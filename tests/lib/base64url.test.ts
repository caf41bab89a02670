/** base64url in its one form. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { base64urlText, parseBase64url } from "../../lib/base64url.ts";
import { check } from "./property.ts";

Deno.test("parseBase64url() of what base64urlText() gives is the bytes", async () => {
  assert.equal(base64urlText(Uint8Array.of(0xfb, 0xff)), "-_8");
  assert.equal(base64urlText(new Uint8Array()), "");
  await check(
    fc.property(fc.uint8Array({ maxLength: 70 }), (data) => {
      const bytes = new Uint8Array(data);
      assert.deepEqual(parseBase64url(base64urlText(bytes)), bytes);
    }),
    500,
  );
});

Deno.test("parseBase64url() gives one text its bytes, or refuses it", async () => {
  const texts = fc.string({
    unit: fc.constantFrom(..."AQgwZaz09-_=+/ \n\té"),
    maxLength: 12,
  });
  await check(
    fc.property(texts, (text) => {
      let bytes;
      try {
        bytes = parseBase64url(text);
      } catch (error) {
        assert.ok(error instanceof SyntaxError, `${error}`);
        return;
      }
      assert.equal(base64urlText(bytes), text);
    }),
    2_000,
  );
});

/** Texts that the platform's own reader takes for others, or that are none. */
const REFUSED: Readonly<Record<string, string>> = {
  "a last bit that says nothing": "AB",
  "four last bits": "_-1",
  "padding": "AA==",
  "a space within": "A A",
  "a line end": "AAAA\n",
  "a character too few": "A",
  "the other alphabet": "+/8",
  "letters outside ASCII": "ÀÀ",
};

for (const [what, text] of Object.entries(REFUSED)) {
  Deno.test(`parseBase64url() refuses ${what}`, () => {
    assert.throws(() => parseBase64url(text), SyntaxError);
  });
}
