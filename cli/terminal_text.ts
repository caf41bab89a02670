/**
 * Texts that others wrote, on their way to a terminal or into a document. A
 * terminal obeys some characters, hides some, and shows some elsewhere than
 * where they stand: none of these reaches it as it is.
 */

/**
 * Controls, formats (those of direction among them), halves of surrogate pairs,
 * what Unicode has not assigned, its own line ends, and what is not shown.
 */
const UNSEEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** What ends a line, for some reader or other (Unicode's UAX 14). */
const LINE_END = /(\r\n|[\n\v\f\r\u0085\u2028\u2029])/;

/** What every line of a body starts with, and no other line. */
const FENCE = "| ";

/** A text as one line, its unseen characters spelt out like `\u{202e}`. */
export function oneLine(text: string): string {
  return text.replace(UNSEEN, spellOut);
}

/**
 * A template in which every value is {@link oneLine}: only what is written in
 * the program itself can end a line.
 */
export function shown(
  parts: TemplateStringsArray,
  ...values: readonly (string | number)[]
): string {
  return String.raw(
    { raw: parts },
    ...values.map((value) => oneLine(String(value))),
  );
}

/** A text whose lines are our own, with all else that is unseen spelt out. */
export function ownLines(text: string): string {
  return text.replace(UNSEEN, keepingLayout);
}

/**
 * A body of which every line is fenced, however it ends, so that none can look
 * like a line of ours. Rows that would not fit a terminal of so many columns are
 * lines too: it would go on at its left edge.
 */
export function fenced(text: string, columns: number | null = null): string {
  const parts = text.split(LINE_END);
  const rows: string[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const end = parts[i + 1] ?? "\n";
    const line = (parts[i] ?? "") + (/^\r?\n$/.test(end) ? "" : end);
    rows.push(...rowsOf(
      line.replace(
        UNSEEN,
        (unseen) => unseen === "\t" ? unseen : spellOut(unseen),
      ),
      columns === null ? null : columns - FENCE.length,
    ));
  }
  return rows.map((row) => FENCE + row).join("\n");
}

/** A line with a label before it, in rows that fit; the others are indented. */
export function labelled(
  label: string,
  text: string,
  columns: number | null = null,
): string {
  const width = columns === null ? null : columns - label.length;
  return rowsOf(oneLine(text), width)
    .map((row, i) => (i === 0 ? label : " ".repeat(label.length)) + row)
    .join("\n");
}

/**
 * A JSON document of printable ASCII alone (and the line ends of its indent),
 * which parses back to exactly what it was made of.
 */
export function asciiJson(document: unknown, indent = 0): string {
  return JSON.stringify(document, null, indent).replace(
    /[^\x20-\x7e\n]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function spellOut(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}

function keepingLayout(character: string): string {
  return "\n\t".includes(character) ? character : spellOut(character);
}

/** A line in rows of at most so many columns, but of one character at least. */
function rowsOf(line: string, columns: number | null): string[] {
  if (columns === null) return [line];
  const rows: string[] = [];
  let row = "";
  let used = 0;
  for (const character of line) {
    const width = columnsOf(character);
    if (row !== "" && used + width > columns) {
      rows.push(row);
      row = "";
      used = 0;
    }
    row += character;
    used += width;
  }
  return [...rows, row];
}

/** The most columns that a terminal may give to a character. */
function columnsOf(character: string): number {
  if (character === "\t") return 8;
  return character < "\x7f" ? 1 : 2;
}
