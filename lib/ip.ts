/** IP addresses as numbers: the networks they are in, and whose they are. */

/** An address; an IPv4 address in an IPv6 one is that IPv4 address. */
export interface IpAddress {
  /** How many it has. */
  readonly bits: 32 | 128;
  /** All of them as one number. */
  readonly value: bigint;
}

/** Addresses that begin alike. */
export interface IpNetwork {
  /** One of them. */
  readonly address: IpAddress;
  /** Bits that are the same for all. */
  readonly prefix: number;
}

/** Where IPv4 addresses lie among IPv6 ones (RFC 4291, 2.5.5.2). */
const MAPPED = 0xffffn << 32n;
/** Bits of an IPv6 address that one subscriber has for all of its own. */
const SUBSCRIBER = 64;

/** An address from its text, without brackets or zone; null if it is none. */
export function parseIp(text: string): IpAddress | null {
  const v4 = parseIpV4(text);
  if (v4 !== null) return { bits: 32, value: v4 };
  if (!text.includes(":") || !/^[0-9a-f:.]{2,45}$/i.test(text)) return null;
  // The URL parser knows every way to write one, and gives a single one.
  const host = URL.parse(`http://[${text}]/`)?.hostname;
  if (host === undefined) return null;
  const [head = "", tail] = host.slice(1, -1).split("::");
  const groups = (part: string) => part === "" ? [] : part.split(":");
  const first = groups(head);
  const last = groups(tail ?? "");
  const zeros = Array<string>(8 - first.length - last.length).fill("0");
  const value = [...first, ...zeros, ...last]
    .reduce((sum, group) => sum << 16n | BigInt(`0x${group}`), 0n);
  return value >> 32n === MAPPED >> 32n
    ? { bits: 32, value: value & 0xffff_ffffn }
    : { bits: 128, value };
}

/** A network from `address/prefix`, or from an address alone; null if none. */
export function parseNetwork(text: string): IpNetwork | null {
  const [base = "", prefix, ...more] = text.split("/");
  const address = parseIp(base);
  if (address === null || more.length > 0) return null;
  if (prefix === undefined) return { address, prefix: address.bits };
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > address.bits) return null;
  return { address, prefix: Number(prefix) };
}

/** Whether an address is in a network. */
export function isInNetwork(
  { bits, value }: IpAddress,
  { address, prefix }: IpNetwork,
): boolean {
  const rest = BigInt(address.bits - prefix);
  return bits === address.bits && value >> rest === address.value >> rest;
}

/** A name for whoever has an address: itself, or the /64 of an IPv6 one. */
export function subscriberOf({ bits, value }: IpAddress): string {
  if (bits === 32) return `4:${value.toString(16)}`;
  return `6:${(value >> BigInt(bits - SUBSCRIBER)).toString(16)}`;
}

function parseIpV4(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  if (!parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return null;
  if (parts.some((part) => Number(part) > 255)) return null;
  return parts.reduce((sum, part) => sum << 8n | BigInt(part), 0n);
}
