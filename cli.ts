/** The `restante` command. */
import { printFailure } from "./cli/output.ts";
import { isJsonAsked } from "./cli/parsing.ts";
import { makeProgram } from "./cli/program.ts";

const isJson = isJsonAsked(Deno.args);
try {
  await makeProgram(isJson).parseAsync(Deno.args, { from: "user" });
  Deno.exit();
} catch (error) {
  Deno.exit(printFailure(error, isJson));
}
