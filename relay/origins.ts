/** By which origins a relay is its clients' own. */

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** What an operator said of a relay's names. */
export interface OriginSettings {
  /** The URL that clients use, if it was said. */
  readonly url: string | null;
  /** Further origins by which clients reach the relay. */
  readonly urlAliases: readonly string[];
}

/**
 * The origins that are the relay's own, the one it goes by first. What a request
 * says of its host is not asked: it is whoever sends it that writes it. Where no
 * URL was said and this machine alone is reached, all of its names will do.
 */
export function originsOf(
  { url, urlAliases }: OriginSettings,
  listening: string,
): readonly [string, ...string[]] {
  if (url !== null) return distinct(url, urlAliases);
  const { protocol, hostname, port } = new URL(listening);
  const isLoopback = LOOPBACK.includes(hostname) ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname);
  const own = isLoopback
    ? LOOPBACK.map((host) => new URL(`${protocol}//${host}:${port}`).origin)
    : [];
  return distinct(listening, [...own, ...urlAliases]);
}

function distinct(
  first: string,
  others: readonly string[],
): readonly [string, ...string[]] {
  return [first, ...new Set(others).difference(new Set([first]))];
}
