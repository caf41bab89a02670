/** Tables that a page shows and code makes, each between two comments. */

/** A table, and the page it stands on. */
export interface MadeTable {
  /** The page. */
  readonly page: URL;
  /** Its name in the comments before and behind it. */
  readonly name: string;
  /** Its rows, the heading first. */
  readonly rows: readonly (readonly string[])[];
}

/** Where the table stands; the comment before it says what it is made from. */
function placeOf({ name }: MadeTable): RegExp {
  return new RegExp(
    `(<!-- ${name}: made from [\\w./]+ -->\n)[^]*?(\n?<!-- /${name} -->)`,
  );
}

/** The cells of the table as it stands on its page, trimmed. */
export async function cellsOnPage(table: MadeTable): Promise<string[][]> {
  const found = placeOf(table).exec(await Deno.readTextFile(table.page))?.[0];
  const lines = (found ?? "").split("\n").filter((line) =>
    line.startsWith("|")
  );
  return lines.filter((_, i) => i !== 1).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
}

/** Writes the table on its page. */
export async function writeTable(table: MadeTable): Promise<void> {
  const [heading = [], ...rows] = table.rows;
  const lines = [heading, heading.map(() => "-"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const text = await Deno.readTextFile(table.page);
  await Deno.writeTextFile(
    table.page,
    text.replace(
      placeOf(table),
      (_, before, after) => `${before}\n${lines}\n\n${after.trim()}`,
    ),
  );
  await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "-q", table.page.pathname],
  }).output();
}
