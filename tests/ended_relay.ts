/** A relay whose listener is closed behind its back. */
const { listen } = Deno;
Object.defineProperty(Deno, "listen", {
  value(options: Deno.TcpListenOptions) {
    const listener = listen(options);
    // The request is the sign: what listens is gone when it is answered.
    Deno.addSignalListener("SIGUSR1", () => listener.close());
    return listener;
  },
});
const { runMain } = await import("../main.ts");
await runMain();
