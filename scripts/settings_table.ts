/** The README's table of settings, made from config.ts; run it to write it. */
import { SETTINGS } from "../config.ts";
import { type MadeTable, writeTable } from "./made_table.ts";

/** A row for each setting. */
export const SETTINGS_TABLE: MadeTable = {
  page: new URL("../README.md", import.meta.url),
  name: "settings",
  rows: [
    ["variable", "default", "what it is"],
    ...Object.values(SETTINGS).map(({ variable, fallback, describe }) => [
      `\`${variable}\``,
      fallback === "" ? "" : `\`${fallback}\``,
      describe,
    ]),
  ],
};

if (import.meta.main) await writeTable(SETTINGS_TABLE);
