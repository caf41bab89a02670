/** A relay in which something fails that nobody waits for, once signalled. */
import { runMain } from "../main.ts";

Deno.addSignalListener("SIGUSR1", () => {
  Promise.reject(new Error("a rejection of the test"));
  queueMicrotask(() => {
    throw new Error("an error of the test");
  });
});
await runMain();
