/** Stands for the platform's clock: says what it is told, and calls it once. */
Object.assign(Deno, {
  async cron(name: string, schedule: string, handler: () => Promise<void>) {
    console.log(`cron ${name} ${schedule}`);
    await handler();
    console.log(`cron ${name} has run`);
  },
});
