/** Where a store is: what a relay is told to open. */

/** The database that the platform gives an app, as Deno Deploy does. */
export const PLATFORM_STORE = "platform";

/** A store of one process, gone with it: two handles on it share nothing. */
export const IN_MEMORY = ":memory:";

/** Whether a location is a file of this machine. */
export function isFile(location: string): boolean {
  return location !== IN_MEMORY && location !== PLATFORM_STORE &&
    !isServer(location);
}

/** Whether a location is the URL of a KV Connect server. */
export function isServer(location: string): boolean {
  return /^https?:/.test(location);
}
