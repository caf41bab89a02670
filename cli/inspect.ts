/** `restante inspect`: every field of a unit, and the relay's verdict on it. */
import type { Command } from "commander";
import { inspectUnit } from "../lib/inspect.ts";
import { readInput } from "./files.ts";
import { type OutputOptions, print, printJson } from "./output.ts";
import { shown } from "./terminal_text.ts";

/** Adds the command. */
export function addInspect(program: Command): void {
  program.command("inspect")
    .summary("show what is in a TxPoW or MaxTxPoW")
    .description(
      "Reads TxPoW or MaxTxPoW units, raw or hex, and prints every field and what a relay would say of them. " +
        "Exits with 1 if one does not decode.",
    )
    .argument("[file...]", "files, or - for standard input", ["-"])
    .option("--json", "print one JSON document a line")
    .addHelpText(
      "after",
      "\nExample:\n  restante inspect --json message.maxtxpow",
    )
    .action(async (files: string[], { json }: OutputOptions) => {
      for (const file of files) {
        const report = inspectUnit(unhex(await readInput(file)));
        if (files.length > 1 && !json) await print(shown`${file}:`);
        await printJson(report, json ? 0 : 2);
        if (!("kind" in report)) Deno.exitCode = 1;
      }
    });
}

/** Bytes as they are, or the bytes that they spell in hex. */
export function unhex(input: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const text = new TextDecoder("latin1").decode(input).replace(/\s+/g, "")
    .replace(/^0x/i, "");
  const isHex = text.length > 0 && text.length % 2 === 0 &&
    /^[0-9a-fA-F]+$/.test(text);
  return isHex ? Uint8Array.fromHex(text) : input;
}
