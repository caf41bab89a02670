/** The `restante` command. */
import { Command } from "commander";
import { addBackup } from "./cli/backup.ts";
import { addInspect } from "./cli/inspect.ts";
import { addKeygen } from "./cli/keygen.ts";
import { printFailure } from "./cli/output.ts";
import { addRead } from "./cli/read.ts";
import { addSend } from "./cli/send.ts";
import { addServe } from "./cli/serve.ts";
import { addVerifyReceipt } from "./cli/verify_receipt.ts";
import { VERSION } from "./lib/version.ts";

const program = new Command("restante")
  .description("Encrypted mail that waits for you.")
  .version(VERSION)
  .showHelpAfterError("(--help says more)");

addServe(program);
addKeygen(program);
addSend(program);
addRead(program);
addInspect(program);
addVerifyReceipt(program);
addBackup(program);

try {
  await program.parseAsync(Deno.args, { from: "user" });
  Deno.exit();
} catch (error) {
  Deno.exit(printFailure(error, Deno.args.includes("--json")));
}
