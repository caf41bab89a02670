/**
 * A small assembler for WebAssembly: as much of the binary format as the miner
 * needs (https://webassembly.github.io/spec/core/binary/). Code is written as
 * expressions, an operator behind its operands, and flattened at the end.
 */
import type { Bytes } from "../bytes.ts";

/** Instructions: bytes, and instructions within instructions. */
export type Code = readonly (number | Code)[];

/** The types of values, as the binary format names them. */
export const I32 = 0x7f;
/** 64 bits. */
export const I64 = 0x7e;
/** 128 bits: here always two of 64. */
export const V128 = 0x7b;

/** A block without a result. */
const NO_RESULT = 0x40;
/** The prefix of vector instructions. */
const VECTOR = 0xfd;

/** An unsigned integer in LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value;;) {
    const low = left & 0x7f;
    left >>>= 7;
    if (left === 0) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** A signed integer in LEB128. */
export function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (let left = value;;) {
    const low = Number(left & 0x7fn);
    left >>= 7n;
    const sign = (low & 0x40) === 0 ? 0n : -1n;
    if (left === sign) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** A 32-bit constant. */
export const i32 = (value: number): Code => [0x41, signed(BigInt(value))];
/** A 64-bit constant, of which the low 64 bits count. */
export const i64 = (
  value: bigint,
): Code => [0x42, signed(BigInt.asIntN(64, value))];

/** The value of a local. */
export const get = (local: number): Code => [0x20, unsigned(local)];
/** Sets a local. */
export const set = (local: number, value: Code): Code => [
  value,
  0x21,
  unsigned(local),
];
/** Sets a local and leaves the value. */
export const tee = (local: number, value: Code): Code => [
  value,
  0x22,
  unsigned(local),
];

/** Repeats what branches to it: `branchIf` 0 from directly within. */
export const loop = (...body: Code[]): Code => [0x03, NO_RESULT, body, 0x0b];
/** Is left by what branches to it. */
export const block = (...body: Code[]): Code => [0x02, NO_RESULT, body, 0x0b];
/** Runs the body if the condition is not zero. */
export const when = (condition: Code, ...body: Code[]): Code => [
  condition,
  0x04,
  NO_RESULT,
  body,
  0x0b,
];
/** To the block or loop so many levels out. */
export const branch = (levels: number): Code => [0x0c, unsigned(levels)];
/** The same if the condition is not zero. */
export const branchIf = (levels: number, condition: Code): Code => [
  condition,
  0x0d,
  unsigned(levels),
];
/** Ends the function with a value. */
export const giveBack = (value: Code): Code => [value, 0x0f];
/** One of two 32-bit values. */
export const select = (then: Code, otherwise: Code, condition: Code): Code => [
  then,
  otherwise,
  condition,
  0x1b,
];

type Binary = (a: Code, b: Code) => Code;
const binary = (opcode: number): Binary => (a, b) => [a, b, opcode];
const vectorBinary =
  (opcode: number): Binary => (a, b) => [a, b, VECTOR, unsigned(opcode)];

/** Arithmetic on 32 bits. */
export const int = {
  /** `a === b`. */
  equal: binary(0x46),
  /** `a !== b`. */
  differ: binary(0x47),
  /** `a < b`, unsigned. */
  below: binary(0x49),
  /** `a + b`. */
  add: binary(0x6a),
  /** `a * b`. */
  multiply: binary(0x6c),
  /** Bitwise or. */
  or: binary(0x72),
} as const;

/** Arithmetic on 64 bits. */
export const long = {
  /** 1 if all bits are 0. */
  isZero: (a: Code): Code => [a, 0x50],
  /** `a + b`. */
  add: binary(0x7c),
  /** `a * b`. */
  multiply: binary(0x7e),
  /** Bitwise and. */
  and: binary(0x83),
  /** Bitwise exclusive or. */
  xor: binary(0x85),
  /** Rotates left. */
  rotate: (a: Code, bits: number): Code => [a, i64(BigInt(bits)), 0x89],
} as const;

/** Arithmetic on two times 64 bits. */
export const pair = {
  /** The same 64 bits twice. */
  splat: (a: Code): Code => [a, VECTOR, unsigned(0x12)],
  /** With the upper 64 bits replaced. */
  withUpper: (a: Code, upper: Code): Code => [a, upper, VECTOR, 0x1e, 1],
  /** All bits set where `a === b`. */
  equal: vectorBinary(0xd6),
  /** 1 if any bit is set. */
  hasAny: (a: Code): Code => [a, VECTOR, unsigned(0x53)],
  /** Bitwise and. */
  and: vectorBinary(0x4e),
  /** `a & ~b`. */
  andNot: vectorBinary(0x4f),
  /** Bitwise or. */
  or: vectorBinary(0x50),
  /** Bitwise exclusive or. */
  xor: vectorBinary(0x51),
  /** Shifts both left. */
  shiftLeft: (a: Code, bits: number): Code => vectorBinary(0xcb)(a, i32(bits)),
  /** Shifts both right, zeros moving in. */
  shiftRight: (a: Code, bits: number): Code => vectorBinary(0xcd)(a, i32(bits)),
} as const;

/** Memory: an address is a 32-bit value plus a constant offset. */
export const memory = {
  /** 64 bits. */
  load64: (address: Code, offset: number): Code => [
    address,
    0x29,
    3,
    unsigned(offset),
  ],
  /** 64 bits. */
  store64: (address: Code, offset: number, value: Code): Code => [
    address,
    value,
    0x37,
    3,
    unsigned(offset),
  ],
  /** Two times 64 bits. */
  loadPair: (address: Code, offset: number): Code => [
    address,
    VECTOR,
    0x00,
    4,
    unsigned(offset),
  ],
  /** The same 64 bits twice. */
  loadSplat: (address: Code, offset: number): Code => [
    address,
    VECTOR,
    0x0a,
    3,
    unsigned(offset),
  ],
  /** Two times 64 bits. */
  storePair: (address: Code, offset: number, value: Code): Code => [
    address,
    value,
    VECTOR,
    0x0b,
    4,
    unsigned(offset),
  ],
} as const;

/** The locals of a function: its parameters, and what is taken of them. */
export class Locals {
  readonly #parameters: readonly number[];
  readonly #types: number[] = [];

  /** Locals 0 and up are the parameters, of these types. */
  constructor(parameters: readonly number[]) {
    this.#parameters = parameters;
  }

  /** A new local. */
  take(type: number): number {
    this.#types.push(type);
    return this.#parameters.length + this.#types.length - 1;
  }

  /** Several new ones. */
  takeMany(type: number, count: number): number[] {
    return Array.from({ length: count }, () => this.take(type));
  }

  /** The types of the parameters. */
  get parameters(): readonly number[] {
    return this.#parameters;
  }

  /** How a function declares those that are no parameters. */
  get declaration(): Code {
    return [
      unsigned(this.#types.length),
      this.#types.map((type) => [unsigned(1), type]),
    ];
  }
}

/** What a module of one function is made from. */
export interface ModuleParts {
  /** The name by which the function is exported; the memory's is `memory`. */
  readonly name: string;
  /** Its parameters and other locals. */
  readonly locals: Locals;
  /** The type of what it gives back. */
  readonly result: number;
  /** Its instructions. */
  readonly body: Code;
  /** What the memory of one page (64 KiB) starts with. */
  readonly data: Uint8Array;
}

/** Bytes of a page of memory. */
export const PAGE = 65_536;

/** A module that exports one function and one page of memory. */
export function assemble(parts: ModuleParts): Bytes {
  const { name, locals, result, body, data } = parts;
  const { parameters } = locals;
  const type = [0x60, counted(parameters), counted([result])];
  const exported = [
    [text(name), 0x00, 0],
    [text("memory"), 0x02, 0],
  ];
  const code = flatten([locals.declaration, body, 0x0b]);
  const segment = [0, i32(0), 0x0b, counted([...data])];
  return new Uint8Array(flatten([
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
    section(1, [unsigned(1), type]),
    section(3, [unsigned(1), 0]),
    section(5, [unsigned(1), 0x00, unsigned(1)]),
    section(7, [unsigned(exported.length), exported]),
    section(10, [unsigned(1), counted(code)]),
    section(11, [unsigned(1), segment]),
  ]));
}

function section(id: number, contents: Code): Code {
  return [id, counted(flatten(contents))];
}

function text(value: string): Code {
  return counted([...new TextEncoder().encode(value)]);
}

function counted(bytes: readonly number[]): Code {
  return [unsigned(bytes.length), bytes];
}

function flatten(code: Code): number[] {
  const bytes: number[] = [];
  const append = (part: Code) => {
    for (const each of part) {
      if (typeof each === "number") bytes.push(each);
      else append(each);
    }
  };
  append(code);
  return bytes;
}
