/** Hostile input takes time in proportion to its size, and not more. */
import assert from "node:assert/strict";
import { growthExponent } from "./growth.ts";
import { HOSTILE_BYTES } from "./hostile_bytes.ts";
import { HOSTILE_TEXTS } from "./hostile_texts.ts";

/** Between linear (1) and quadratic (2), with room for a busy machine. */
const MAX_EXPONENT = 1.35;
/** A busy machine gets another chance; a quadratic reader fails them all. */
const ATTEMPTS = 3;

for (const [name, work, sizes] of [...HOSTILE_BYTES, ...HOSTILE_TEXTS]) {
  Deno.test(`reading ${name} takes linear time`, () => {
    const exponents: number[] = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const exponent = growthExponent(work, sizes);
      if (exponent <= MAX_EXPONENT) return;
      exponents.push(exponent);
    }
    assert.fail(`the time grows with the size to the ${exponents.join(", ")}`);
  });
}

Deno.test("growthExponent() tells quadratic from linear time", () => {
  const sizes = [512, 1_024, 2_048, 4_096];
  const steps = (count: number) => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum = (sum + i) % 1_000_003;
    assert.ok(sum >= 0);
  };
  const linear = growthExponent((size) => () => steps(100 * size), sizes);
  const quadratic = growthExponent((size) => () => steps(size * size), sizes);
  assert.ok(linear < MAX_EXPONENT, `linear: ${linear}`);
  assert.ok(quadratic > MAX_EXPONENT, `quadratic: ${quadratic}`);
});
