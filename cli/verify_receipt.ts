/** `restante verify-receipt`: whether a relay signed it, and what it says. */
import type { Command } from "commander";
import { ClientError, Relay, verifyReceipt } from "../client/mod.ts";
import { importVerifyingKeys, type VerifyingKey } from "../lib/signing_key.ts";
import { relayOr } from "./home.ts";
import { type OutputOptions, printResult, timeText } from "./output.ts";
import { shown } from "./terminal_text.ts";

/** Adds the command. */
export function addVerifyReceipt(program: Command): void {
  program.command("verify-receipt")
    .summary("check a receipt")
    .description(
      "Checks that the relay signed the receipt, with its key or a former one, and prints what it says.",
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
        const keys = await receiptKeys(
          new Relay(await relayOr(options.relay)),
        );
        const receipt = await verifyReceipt(jws, keys);
        const until = keys.find(({ relayId }) => relayId === receipt.iss)
          ?.until;
        await printResult(
          options,
          { valid: true, former: until !== undefined, receipt },
          [
            "valid",
            shown`relay    ${receipt.iss}${
              until === undefined
                ? ""
                : `, a former key, until ${timeText(until)}`
            }`,
            shown`message  ${receipt.jti}`,
            shown`mailbox  ${receipt.sub}`,
            shown`object   ${receipt.object}, ${receipt.size} bytes`,
            shown`stored   ${timeText(1_000 * receipt.iat)}, held until ${
              timeText(1_000 * receipt.exp)
            }`,
            shown`paid     by ${receipt.paid.hashes} hashes`,
          ].join("\n"),
        );
      },
    );
}

/** The relay's key and those that have ended, checked to be of the relay's id. */
async function receiptKeys(relay: Relay): Promise<readonly VerifyingKey[]> {
  const { id, keys } = await relay.descriptor();
  const known = await importVerifyingKeys(keys, relay.clock.now())
    .catch(() => []);
  if (known[0]?.relayId === id) return known;
  throw new ClientError(
    "relay-nonsense",
    `${relay.url} has an id that is not its key's, or keys that are none`,
  );
}
