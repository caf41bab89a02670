/** The `restante` command. */
import { Command } from "commander";
import { isJsonAsked, speakAs } from "./cli/parsing.ts";
import { addBench } from "./cli/bench.ts";
import { addBackup } from "./cli/backup.ts";
import { addCompletion } from "./cli/completion.ts";
import { addInit } from "./cli/init.ts";
import { addInspect } from "./cli/inspect.ts";
import { addKeygen } from "./cli/keygen.ts";
import { printFailure } from "./cli/output.ts";
import { narrowPermissions } from "./cli/permissions.ts";
import { addRead } from "./cli/read.ts";
import { addSend } from "./cli/send.ts";
import { addServe } from "./cli/serve.ts";
import { addVerifyReceipt } from "./cli/verify_receipt.ts";
import { VERSION } from "./lib/version.ts";

const isJson = isJsonAsked(Deno.args);
// Commands take this over from the program as they are added.
const program = speakAs(new Command("restante"), isJson)
  .description("Encrypted mail that waits for you.")
  .version(VERSION)
  .showHelpAfterError("(--help says more)")
  .addHelpText(
    "after",
    "\nEvery command has an example in its own --help, and --json. The exit code is 0\n" +
      "if it did what it was told to, and 1 if not: then standard error says why.",
  );

addServe(program);
addInit(program);
addKeygen(program);
addSend(program);
addRead(program);
addInspect(program);
addVerifyReceipt(program);
addBackup(program);
addBench(program);
addCompletion(program);
narrowPermissions(program);

try {
  await program.parseAsync(Deno.args, { from: "user" });
  Deno.exit();
} catch (error) {
  Deno.exit(printFailure(error, isJson));
}
