/**
 * Values as bytes: what is kept of every message takes a third of what the
 * platform's own serialisation takes, which writes the names of all members, and
 * hex digits for bytes.
 *
 * A packed value is `form u8 = 1`, and then one record or several, each
 * `members u16 | the members that are there, in the order of the record`, where
 * bit n of `members` stands for the n-th of them. Numbers are big-endian.
 */
import type { Bytes } from "../../lib/bytes.ts";

const FORM = 1;
/** Bytes of the longest value that is packed: a KV value has no more. */
const MOST = 65_536;

/** How values of a kind are packed. */
export interface Packing<T = unknown> {
  /** The bytes of a value; null for one that is not of the form. */
  pack(value: unknown): Bytes | null;
  /**
   * The value of some bytes.
   *
   * @throws {RangeError} for bytes that are none
   */
  unpack(bytes: Bytes): T;
}

/** Bytes that are written or read, and how far. */
interface Place {
  readonly bytes: Bytes;
  readonly view: DataView;
  at: number;
}

/** How one member is packed. */
export interface Field<T = unknown> {
  /** Writes it; false if the value is not of the form. */
  write(to: Place, value: unknown): boolean;
  /** Reads it. */
  read(from: Place): T;
}

function isFit(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 &&
    (value as number) <= most && !Object.is(value, -0);
}

/** An unsigned integer of so many bytes: 1, 2, 4 or 6. */
export function uint(bytes: 1 | 2 | 4 | 6): Field<number> {
  const most = 2 ** (8 * bytes) - 1;
  return {
    write(to, value) {
      if (!isFit(value, most)) return false;
      const { view, at } = to;
      if (bytes === 1) view.setUint8(at, value);
      if (bytes === 2) view.setUint16(at, value);
      if (bytes === 4) view.setUint32(at, value);
      if (bytes === 6) {
        view.setUint16(at, Math.floor(value / 2 ** 32));
        view.setUint32(at + 2, value % 2 ** 32);
      }
      to.at += bytes;
      return true;
    },
    read(from) {
      const { view, at } = from;
      from.at += bytes;
      if (bytes === 1) return view.getUint8(at);
      if (bytes === 2) return view.getUint16(at);
      if (bytes === 4) return view.getUint32(at);
      return view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2);
    },
  };
}

/** Any number. */
export const number: Field<number> = {
  write(to, value) {
    if (typeof value !== "number") return false;
    to.view.setFloat64(to.at, value);
    to.at += 8;
    return true;
  },
  read(from) {
    from.at += 8;
    return from.view.getFloat64(from.at - 8);
  },
};

/** Hex digits of so many bytes; they are read in lower case. */
export function hex<T extends string = string>(bytes: number): Field<T> {
  return {
    write(to, value) {
      if (typeof value !== "string" || value.length !== 2 * bytes) return false;
      try {
        to.bytes.subarray(to.at, to.at + bytes).setFromHex(value);
      } catch {
        return false; // other characters
      }
      to.at += bytes;
      return true;
    },
    read: (from) => taken(from, bytes).toHex() as T,
  };
}

/** One of some texts. */
export function choice<T extends string>(...texts: readonly T[]): Field<T> {
  const index = uint(1);
  return {
    write: (to, value) => index.write(to, texts.indexOf(value as T)),
    read(from) {
      const text = texts[index.read(from)];
      if (text === undefined) throw new RangeError("a packed choice of none");
      return text;
    },
  };
}

/** Bytes, u16 of them at most. */
export const someBytes: Field<Bytes> = {
  write(to, value) {
    if (!(value instanceof Uint8Array)) return false;
    if (to.at + 2 + value.length > MOST) return false;
    to.view.setUint16(to.at, value.length);
    to.bytes.set(value, to.at + 2);
    to.at += 2 + value.length;
    return true;
  },
  read: (from) => taken(from, uint(2).read(from)).slice(),
};

/** Text of characters below U+0100, 255 of them at most. */
export function text<T extends string = string>(): Field<T> {
  return {
    write(to, value) {
      if (typeof value !== "string" || value.length > 255) return false;
      to.view.setUint8(to.at, value.length);
      for (let i = 0; i < value.length; i++) {
        const code = value.charCodeAt(i);
        if (code > 255) return false;
        to.bytes[to.at + 1 + i] = code;
      }
      to.at += 1 + value.length;
      return true;
    },
    read(from) {
      const bytes = taken(from, uint(1).read(from));
      return String.fromCharCode(...bytes) as T;
    },
  };
}

function taken(from: Place, length: number): Bytes {
  from.at += length;
  if (from.at > from.bytes.length) throw new RangeError("cut short");
  return from.bytes.subarray(from.at - length, from.at);
}

/** Members of a record, in the order in which they are packed. */
export type Fields<T> = { readonly [K in keyof Required<T>]: Field };

/** A record of some members, of which any may be missing. */
export function record<T extends object>(fields: Fields<T>): Field<T> {
  const members = Object.entries<Field>(fields)
    .map(([name, field]) => ({ name, field }));
  const known = new Set(Object.keys(fields));
  return {
    write(to, value) {
      if (typeof value !== "object" || value === null) return false;
      for (const name in value) if (!known.has(name)) return false;
      const start = to.at;
      let there = 0;
      to.at += 2;
      let bit = 1;
      for (const { name, field } of members) {
        const member = (value as Record<string, unknown>)[name];
        if (member !== undefined) {
          if (to.at + ROOM > MOST || !field.write(to, member)) return false;
          there |= bit;
        }
        bit <<= 1;
      }
      to.view.setUint16(start, there);
      return true;
    },
    read(from) {
      const value: Record<string, unknown> = {};
      const there = uint(2).read(from);
      if (there >> members.length !== 0) {
        throw new RangeError("members that are not known");
      }
      let bit = 1;
      for (const { name, field } of members) {
        if ((there & bit) !== 0) value[name] = field.read(from);
        bit <<= 1;
      }
      return value as T;
    },
  };
}

/** Bytes of the longest member but for {@link someBytes}, which looks itself. */
const ROOM = 512;

/** Where values are packed before they are copied: one at a time. */
const scratch = new Uint8Array(MOST);

/** A value that is one record. */
export function packedRecord<T extends object>(
  fields: Fields<T>,
): Packing<T> {
  const one = record(fields);
  return packing(
    (to, value) => one.write(to, value),
    (from) => one.read(from),
  );
}

/** A value that is a list of records. */
export function packedList<T extends object>(
  fields: Fields<T>,
): Packing<readonly T[]> {
  const one = record(fields);
  return packing(
    (to, values) =>
      Array.isArray(values) && values.every((value) => one.write(to, value)),
    (from) => {
      const values: T[] = [];
      while (from.at < from.bytes.length) values.push(one.read(from));
      return values;
    },
  );
}

function packing<T>(
  write: (to: Place, value: unknown) => boolean,
  read: (from: Place) => T,
): Packing<T> {
  return {
    pack(value) {
      const to = placeIn(scratch);
      to.view.setUint8(0, FORM);
      to.at = 1;
      return write(to, value) ? scratch.slice(0, to.at) : null;
    },
    unpack(bytes) {
      if (bytes[0] !== FORM) throw new RangeError("a value of another form");
      const from = placeIn(bytes);
      from.at = 1;
      const value = read(from);
      if (from.at !== bytes.length) throw new RangeError("of another length");
      return value;
    },
  };
}

function placeIn(bytes: Bytes): Place {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { bytes, view, at: 0 };
}
