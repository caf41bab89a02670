/** `restante new-epoch`: for a store whose file was copied and put back. */
import type { Command } from "commander";
import { readConfig, SETTINGS } from "../config.ts";
import { endEpoch } from "../kv/store/end_epoch.ts";
import { openStore } from "../kv/store/store.ts";
import { requireStore } from "./backup.ts";
import { type OutputOptions, printResult } from "./output.ts";

interface NewEpochOptions extends OutputOptions {
  kv?: string;
}

const { kv } = SETTINGS;

/** Adds the command. */
export function addNewEpoch(program: Command): void {
  program.command("new-epoch")
    .summary("make an old copy of a store's file fit to be served")
    .description(
      "For a store whose file was copied and put back: it would number new mail as it " +
        "did before, and hide it from readers that hold newer cursors. With a new " +
        "epoch they begin again at the oldest message held, and miss nothing. " +
        "Receipts stay as they are. No relay may use the store meanwhile.",
    )
    .option(
      "--kv <location>",
      `${kv.describe} (${kv.variable}, ${kv.fallback})`,
    )
    .option("--json", "print both epochs as one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  restante new-epoch --kv data/restante.kv",
    )
    .action(newEpoch);
}

async function newEpoch(options: NewEpochOptions): Promise<void> {
  const { kv: location } = readConfig((variable) =>
    // The others are the relay's own, and may be wrong here.
    variable === kv.variable ? options.kv ?? Deno.env.get(variable) : undefined
  );
  await requireStore(location);
  using store = await openStore(location);
  const ended = await endEpoch(store, Date.now());
  await printResult(
    options,
    { kv: location, ...ended },
    [
      `store     ${location}`,
      `former    ${ended.former}`,
      `epoch     ${ended.epoch}`,
    ].join("\n"),
  );
}
