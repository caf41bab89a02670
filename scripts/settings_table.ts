/** Writes the README's table of settings from config.ts. */
import { SETTINGS } from "../config.ts";

const README = new URL("../README.md", import.meta.url);
const PLACE =
  /(<!-- settings: made from config\.ts -->\n)[^]*?(\n<!-- \/settings -->)/;

/** The table in Markdown, its cells not aligned yet. */
export function settingsTable(): string {
  const rows = Object.values(SETTINGS).map(({ variable, fallback, describe }) =>
    `| \`${variable}\` | ${
      fallback === "" ? "" : `\`${fallback}\``
    } | ${describe} |`
  );
  return ["| variable | default | what it is |", "| - | - | - |", ...rows].join(
    "\n",
  );
}

/** The table as it stands in the README. */
export async function readmeTable(): Promise<string | undefined> {
  return PLACE.exec(await Deno.readTextFile(README))?.[0].split("\n").filter((
    line,
  ) => line.startsWith("|")).join("\n");
}

if (import.meta.main) {
  const text = await Deno.readTextFile(README);
  await Deno.writeTextFile(
    README,
    text.replace(
      PLACE,
      (_, before, after) => `${before}\n${settingsTable()}\n${after}`,
    ),
  );
  await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "-q", README.pathname],
  }).output();
}
