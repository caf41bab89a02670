/** Changing a byte of a unit or an envelope, and noticing it. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes.ts";
import { encode } from "../../../lib/minima/codec.ts";
import { Problem } from "../../../lib/problem.ts";
import { type Format, type Part, partAt } from "./parts.ts";

/** Fails unless a changed byte is refused, or seen in the part it lies in. */
export function assertNoticed<T>(
  format: Format<T>,
  value: T,
  changed: Bytes,
  part: Part<T>,
): void {
  let read: T;
  try {
    read = format.read(changed);
  } catch (error) {
    assert.ok(error instanceof Problem, `${error}`);
    assert.ok(["malformed", "too-large"].includes(error.code));
    return;
  }
  assert.notEqual(part.sight(read), part.sight(value), part.name);
}

/** The bytes with another one at an offset. */
export function withByte(bytes: Bytes, offset: number, byte: number): Bytes {
  const changed = bytes.slice();
  changed[offset] = byte;
  return changed;
}

/** Bytes to put in place of one: its neighbours, its opposites, the ends. */
function replacements(byte: number): readonly number[] {
  const values = [0, 0xff, byte + 1, byte - 1, byte ^ 0x80];
  return [...new Set(values.map((value) => value & 0xff))]
    .filter((value) => value !== byte);
}

/** Every offset of a value's bytes, with each replacement there. */
export function* everyChange<T>(
  format: Format<T>,
  value: T,
): Generator<{ changed: Bytes; part: Part<T> }> {
  const bytes = encode(format.codec, value);
  const parts = format.parts(value);
  for (const [offset, byte] of bytes.entries()) {
    const part = partAt(parts, offset);
    for (const other of replacements(byte)) {
      yield { changed: withByte(bytes, offset, other), part };
    }
  }
}
