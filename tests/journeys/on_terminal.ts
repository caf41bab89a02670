/** The real command on a terminal, by `script` of util-linux. */
import { ROOT, taskArguments } from "./process.ts";

/** What a terminal is like. */
export interface TerminalOptions {
  /** Its width; unknown, if not said. */
  readonly columns?: number;
}

/** Runs the command on a terminal of its own; gives all that was shown. */
export async function onTerminal(
  args: readonly string[],
  { columns }: TerminalOptions = {},
): Promise<{ code: number; shown: string }> {
  const words = [Deno.execPath(), ...taskArguments("cli"), ...args].map((
    word,
  ) => `'${word.replaceAll("'", "'\\''")}'`);
  const size = columns === undefined ? "" : `stty cols ${columns}; `;
  const { code, stdout } = await new Deno.Command("script", {
    args: ["-qec", size + words.join(" "), "/dev/null"],
    cwd: ROOT,
    stdin: "null",
  }).output();
  return { code, shown: new TextDecoder().decode(stdout) };
}
