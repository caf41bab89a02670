/** Where a store is: what a relay is told to open. */

/** The database that the platform gives an app, as Deno Deploy does. */
export const PLATFORM_STORE = "platform";

/** Whether a location is a file of this machine. */
export function isFile(location: string): boolean {
  return location !== ":memory:" && location !== PLATFORM_STORE &&
    !/^https?:/.test(location);
}

/** Opens a handle on the database at a location. */
export function openHandle(location: string): Promise<Deno.Kv> {
  return location === PLATFORM_STORE ? Deno.openKv() : Deno.openKv(location);
}
