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

/**
 * Whether a watch tells of what other workers do. In memory there are none, and
 * of several processes on a file SQLite tells nobody: there a worker hears of
 * its own commits, and looks for those of others once in a while. A watch would
 * cost a read for every commit of its own.
 */
export function isWatchable(location: string): boolean {
  return location !== IN_MEMORY && !isFile(location);
}

/** Whether a location is the URL of a KV Connect server. */
export function isServer(location: string): boolean {
  return /^https?:/.test(location);
}
