/** `restante verify-receipt`: whether a relay signed it, and what it says. */
import type { Command } from "commander";
import { Relay, verifyReceipt } from "../client/mod.ts";
import { relayOr } from "./home.ts";
import { type OutputOptions, printResult } from "./output.ts";

/** Adds the command. */
export function addVerifyReceipt(program: Command): void {
  program.command("verify-receipt")
    .summary("check a receipt")
    .description(
      "Checks that the relay signed the receipt, and prints what it says.",
    )
    .argument("<jws>", "the receipt")
    .option(
      "--relay <url>",
      "the relay that gave it; that of restante init, if not given",
    )
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      '\nExample:\n  restante verify-receipt "$RECEIPT" --relay https://relay.example',
    )
    .action(
      async (jws: string, options: OutputOptions & { relay?: string }) => {
        const receipt = await verifyReceipt(
          jws,
          await new Relay(await relayOr(options.relay)).verifyingKey(),
        );
        await printResult(
          options,
          { valid: true, receipt },
          [
            "valid",
            `message  ${receipt.jti}`,
            `mailbox  ${receipt.sub}`,
            `object   ${receipt.object}, ${receipt.size} bytes`,
            `stored   ${inWords(receipt.iat)}, held until ${
              inWords(receipt.exp)
            }`,
            `paid     by ${receipt.paid.hashes} hashes`,
          ].join("\n"),
        );
      },
    );
}

function inWords(seconds: number): string {
  return new Date(1_000 * seconds).toISOString();
}
