/** The table of kinds in ARCHITECTURE.md, made from kv/kinds.ts; run it to write it. */
import { type Kind, KINDS } from "../kv/kinds.ts";
import { type MadeTable, writeTable } from "./made_table.ts";

const kinds: readonly (readonly [string, Kind])[] = Object.entries(KINDS);

/** A row for each kind of entry. */
export const KINDS_TABLE: MadeTable = {
  page: new URL("../ARCHITECTURE.md", import.meta.url),
  name: "kinds",
  rows: [
    ["key", "value", "ends", "in a backup"],
    ...kinds.map(([name, { key, value, ends, backup }]) => [
      `\`${[name, ...key === "" ? [] : [key]].join(", ")}\``,
      value,
      ends,
      backup,
    ]),
  ],
};

if (import.meta.main) await writeTable(KINDS_TABLE);
