/** `restante bench`: what this machine can do. */
import type { Command } from "commander";
import { type OutputOptions, printJson } from "./output.ts";

/** Benches by the names of the command; others go by their own. */
const ALIASES: Readonly<Record<string, string>> = {
  post: "send",
};
/** What is measured if nothing is named. */
const DEFAULT = ["verify", "mine", "post", "notify"];

/** Adds the command. */
export function addBench(program: Command): void {
  program.command("bench")
    .summary("measure this machine")
    .description(
      "Measures what this machine can do, each beside its bare limit: verify (checking work), " +
        "mine, post (from the message to the relay's answer), notify (from there to its reader); " +
        "and accept, readers, mailbox, abuse.",
    )
    .argument(
      "[names...]",
      `what to measure; ${DEFAULT.join(", ")} if not said`,
    )
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  restante bench mine")
    .action(async (names: string[], { json = false }: OutputOptions) => {
      // What measures starts relays: no other command needs to know of it.
      const { runBenches } = await import("../bench/run.ts");
      const wanted = names.length > 0 ? names : DEFAULT;
      const report = await runBenches(
        wanted.map((name) => ALIASES[name] ?? name),
        { isQuiet: json },
      );
      if (json) await printJson(report);
    });
}
