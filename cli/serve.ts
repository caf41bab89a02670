/** `restante serve`: runs a relay. */
import type { Command } from "commander";
import { readConfig, SETTINGS } from "../config.ts";
import { serve } from "../main.ts";
import type { OutputOptions } from "./output.ts";

/** Settings by their name, and how to say that it listens. */
type ServeOptions = Record<string, string> & OutputOptions;

/** Adds the command. */
export function addServe(program: Command): void {
  const { port, host, kv, url, workWindow, log, logLevel } = SETTINGS;
  program.command("serve")
    .summary("run a relay")
    .description(
      "Runs a relay. It makes its keys and its store at the first start. Ready, it " +
        "prints `listening on URL`; SIGINT or SIGTERM stops it.",
    )
    .option(
      "--port <port>",
      `${port.describe} (${port.variable}, ${port.fallback})`,
    )
    .option(
      "--host <address>",
      `${host.describe} (${host.variable}, ${host.fallback})`,
    )
    .option(
      "--kv <path-or-url>",
      `${kv.describe} (${kv.variable}, ${kv.fallback})`,
    )
    .option("--url <url>", `${url.describe} (${url.variable})`)
    .option(
      "--work-window <seconds>",
      `${workWindow.describe} (${workWindow.variable}, ${workWindow.fallback})`,
    )
    .option("--log <form>", `${log.describe} (${log.variable})`)
    .option(
      "--log-level <level>",
      `${logLevel.describe} (${logLevel.variable}, ${logLevel.fallback})`,
    )
    .option("--json", "say that it listens as one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  restante serve --port 8000 --url https://relay.example",
    )
    .action(async ({ json, ...options }: ServeOptions) => {
      const flags = new Map(
        Object.entries(SETTINGS).map((
          [name, { variable }],
        ) => [variable, options[name]]),
      );
      const config = readConfig((variable) =>
        flags.get(variable) ?? Deno.env.get(variable)
      );
      await serve(config, { json });
    });
}
