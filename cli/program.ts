/** The program: all commands, as the parser of the arguments knows them. */
import { Command } from "commander";
import { addAdmin } from "./admin.ts";
import { addBackup } from "./backup.ts";
import { addBench } from "./bench.ts";
import { addCompletion } from "./completion.ts";
import { addInit } from "./init.ts";
import { addInspect } from "./inspect.ts";
import { addKeygen } from "./keygen.ts";
import { speakAs } from "./parsing.ts";
import { narrowPermissions } from "./permissions.ts";
import { addNewEpoch } from "./new_epoch.ts";
import { addRead } from "./read.ts";
import { addSend } from "./send.ts";
import { addServe } from "./serve.ts";
import { addVerifyReceipt } from "./verify_receipt.ts";
import { VERSION } from "../lib/version.ts";

/** Makes the program; with JSON it leaves failures to who runs it. */
export function makeProgram(isJson: boolean): Command {
  // Commands take over how it speaks as they are added.
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
  addNewEpoch(program);
  addAdmin(program);
  addBench(program);
  addCompletion(program);
  narrowPermissions(program);
  return program;
}
