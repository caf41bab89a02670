/** Units that are given as bytes, or spelt in hex. */
import assert from "node:assert/strict";
import { unhex } from "../../cli/inspect.ts";

Deno.test("unhex() takes for hex what is hex alone, and the rest as it is", () => {
  const spelt: [text: string, hex: string][] = [
    ["00", "00"],
    ["0aFf", "0aff"],
    ["0x0a", "0a"],
    ["0X0A", "0a"],
    [" 0a\r\n0b\t\n", "0a0b"],
  ];
  for (const [text, hex] of spelt) {
    assert.equal(unhex(new TextEncoder().encode(text)).toHex(), hex, text);
  }
  for (const text of ["", "0", "0x", "0x0", "0g", "0a0x", "h", "0a\u00ff"]) {
    const bytes = new TextEncoder().encode(text);
    assert.deepEqual(unhex(bytes), bytes, text);
  }
  const bytes = new Uint8Array([0x30, 0x30, 0x00]);
  assert.equal(unhex(bytes), bytes);
});
