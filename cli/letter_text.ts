/** How a message of our mailbox is shown: to people, and as JSON. */
import type { Letter, ReceivedMessage } from "../client/mod.ts";
import { timeText } from "./output.ts";
import { fenced, labelled, shown } from "./terminal_text.ts";

/**
 * A message for people. Its sender chose the application and the data: neither
 * can look like a line that is ours, on a terminal of so many columns or, if
 * null, in a pipe.
 */
export function letterText(
  { cursor, size, letter, failure }: ReceivedMessage,
  columns: number | null,
): string {
  const head = labelled("--- ", cursor, columns);
  if (letter === null) {
    const remedy = failure === "withheld"
      ? `, ${size} bytes; --fetch fetches it`
      : "";
    return `${head}\n(${failure}${remedy})\n`;
  }
  const text = textOf(letter.data);
  return [
    head,
    whoText(letter),
    `time ${timeText(letter.time)}`,
    labelled("for  ", letter.application, columns),
    "",
    text === null
      ? `(${letter.data.length} bytes; --save writes them to a file)`
      : fenced(text, columns),
    "",
  ].join("\n");
}

/** Who wrote it; somebody else may have sealed it to us. */
function whoText(letter: Letter): string {
  const { from, to, isForwarded } = letter;
  return isForwarded
    ? shown`forwarded: written by ${from} to ${to}, passed on by somebody`
    : shown`from ${from}`;
}

/**
 * A message as JSON. Of a forwarded letter `from` is null: its writer did not
 * send it here, and is named in `writtenBy`.
 */
export function letterDocument(
  { letter, failure, ...facts }: ReceivedMessage,
): Record<string, unknown> {
  if (letter === null) return { ...facts, failure };
  const { data, from, ...about } = letter;
  return {
    ...facts,
    from: about.isForwarded ? null : from,
    ...(about.isForwarded && { writtenBy: from }),
    ...about,
    text: textOf(data),
    data: data.toBase64({ alphabet: "base64url", omitPadding: true }),
  };
}

/** The data as text, every character of it, if it is text. */
function textOf(data: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(data);
  } catch {
    return null;
  }
}
