/** Who asks, where proxies stand between: as far as these are trusted. */
import {
  type IpAddress,
  type IpNetwork,
  isInNetwork,
  parseIp,
  parseNetwork,
} from "../lib/ip.ts";

/** How many proxies there are, or the networks they are in. */
export type TrustedProxies = number | readonly IpNetwork[];

/** Most entries of X-Forwarded-For that are looked at. */
const MAX_HOPS = 32;

/**
 * Proxies from a setting: a count, or networks with commas between.
 *
 * @throws {TypeError} if it is neither
 */
export function parseProxies(text: string): TrustedProxies {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  return text.split(",").map((part) => {
    const network = parseNetwork(part.trim());
    if (network !== null) return network;
    throw new TypeError(`"${part.trim()}" is neither a count nor a network`);
  });
}

/**
 * The address of the client: that of the connection, or what trusted proxies
 * say in X-Forwarded-For. What a client itself wrote there stands to the left
 * of what they add, and is never looked at.
 */
export function clientAddress(
  peer: string,
  forwarded: string | undefined,
  proxies: TrustedProxies,
): IpAddress | null {
  let client = parseIp(peer);
  const hops = forwarded?.split(",").slice(-MAX_HOPS).reverse() ?? [];
  for (const [passed, hop] of hops.entries()) {
    const isTrusted = typeof proxies === "number"
      ? passed < proxies
      : client !== null && isAmong(client, proxies);
    if (!isTrusted) break;
    const before = parseIp(withoutPort(hop.trim()));
    if (before === null) break; // a proxy that hides it stands for its clients
    client = before;
  }
  return client;
}

function isAmong(address: IpAddress, networks: readonly IpNetwork[]): boolean {
  return networks.some((network) => isInNetwork(address, network));
}

function withoutPort(hop: string): string {
  return /^\[(.*)\](?::\d+)?$/.exec(hop)?.[1] ??
    /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
}
