/** What a command may do: no more than it needs, whatever it is given to read. */
import type { Command } from "commander";

/**
 * The commands that start processes. The others give the permission back before
 * they read anything.
 */
const RUNNING: readonly string[] = ["bench"];

/** Lets each command give back what it does not need, before it begins. */
export function narrowPermissions(program: Command): void {
  program.hook("preAction", (_, command) => {
    if (!RUNNING.includes(command.name())) {
      Deno.permissions.revokeSync({ name: "run" });
    }
  });
}
