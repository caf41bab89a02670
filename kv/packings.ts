/** Which kinds of entries are kept packed, and how: those that every message has. */
import type { keys, KindName } from "./kinds.ts";
import type { Key } from "./store/database.ts";
import {
  choice,
  hex,
  number,
  packedList,
  packedRecord,
  type Packing,
  record,
  someBytes,
  text,
  uint,
} from "./store/packing.ts";

/** What is kept under the keys that a builder makes. */
type Kept<Builder> = Builder extends (...of: never[]) => Key<infer T> ? T
  : never;

type Mark = Kept<typeof keys.seen>;
type Header = Kept<typeof keys.object>;
type Due = Kept<typeof keys.dues>[number];

const mark = packedRecord<Mark>({
  mailbox: hex(32),
  object: hex(32),
  size: uint(4),
  storedAt: uint(6),
  holdUntil: uint(6),
  paid: record<Mark["paid"]>({ by: choice("work"), hashes: number }),
  root: hex(32),
  paidFor: uint(4),
  workUntil: uint(6),
  index: uint(2),
  stamp: hex(10),
  cursor: text(),
  attempt: hex(8),
});

const header = packedRecord<Header>({
  mailbox: hex(32),
  size: uint(4),
  holdUntil: uint(6),
  place: choice("entry", "segments"),
  index: uint(2),
  stamp: hex(10),
  root: someBytes,
  chunks: someBytes,
});

const due = packedList<Due>({
  mailbox: hex(32),
  id: hex(32),
  stamp: hex(10),
  index: uint(2),
});

/** The packings, by kind. All other kinds are kept as they are. */
export const PACKINGS: ReadonlyMap<unknown, Packing> = new Map<
  KindName,
  Packing
>([
  ["seen", mark],
  ["object", header],
  ["due", due],
]);
