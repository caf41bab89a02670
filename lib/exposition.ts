/**
 * The text that Prometheus reads (exposition format 0.0.4): a line of help and
 * one of type for each family, then a line for each of its series.
 */

/** The media type of the text. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Names and values that tell the series of a family apart. */
export type Labels = Readonly<Record<string, string>>;

/** What the series of a family are. */
export type FamilyType = "counter" | "gauge" | "histogram";

/** One number of a family. */
export interface Sample {
  /** What stands behind the family's name: `_bucket` and the like, or nothing. */
  readonly suffix: string;
  /** In the order in which they are written. */
  readonly labels: Labels;
  /** Any number; those that are not finite have names of their own. */
  readonly value: number;
}

/** A family as it is written. */
export interface Family {
  /** `[a-zA-Z_:][a-zA-Z0-9_:]*`. */
  readonly name: string;
  /** What it counts or measures, in one sentence. */
  readonly help: string;
  /** What its series are. */
  readonly type: FamilyType;
  /** In the order in which they are written. */
  readonly samples: readonly Sample[];
}

/** Families as text, in the order given. */
export function writeExposition(families: readonly Family[]): string {
  return families.map(writeFamily).join("");
}

function writeFamily({ name, help, type, samples }: Family): string {
  const lines = [
    `# HELP ${name} ${escapeHelp(help)}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(({ suffix, labels, value }) =>
      `${name}${suffix}${writeLabels(labels)} ${writeNumber(value)}`
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function writeLabels(labels: Labels): string {
  const pairs = Object.entries(labels);
  if (pairs.length === 0) return "";
  return `{${
    pairs.map(([name, value]) => `${name}="${escapeValue(value)}"`).join(",")
  }}`;
}

/** A number as the format has it; also the bound of a bucket. */
export function writeNumber(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return String(value); // NaN is called that there, too
}

/** Help has two escapes; the quote is none of them. */
function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** The value of a label has three. */
function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
