/** The names of things: told apart by type, checked where they come in. */
import type { Branded } from "./brand.ts";
import { sha3_256 } from "./hash.ts";
import type { Bytes } from "./bytes.ts";
import { Problem } from "./problem.ts";

/** Lower-case hex SHA3-256 of the owner's SubjectPublicKeyInfo DER. */
export type MailboxId = Branded<string, "MailboxId">;
/** Lower-case hex SHA3-256 of a serialised MaximaPackage. */
export type MessageId = Branded<string, "MessageId">;
/** Lower-case hex BLAKE3-256 of a stored envelope. */
export type ObjectHash = Branded<string, "ObjectHash">;
/** Lower-case hex SHA3-256 of a relay's signing key, as DER. */
export type RelayId = Branded<string, "RelayId">;

/** The mailbox of the owner of a public key. */
export function mailboxIdOf(publicKey: Bytes): MailboxId {
  return sha3_256(publicKey).toHex() as MailboxId;
}

/** The id of the relay that signs with a public key. */
export function relayIdOf(signingKey: Bytes): RelayId {
  return sha3_256(signingKey).toHex() as RelayId;
}

/** Hash bytes as the id of a message. */
export function messageIdOf(hash: Bytes): MessageId {
  return hash.toHex() as MessageId;
}

/** Hash bytes as the name of an object. */
export function objectHashOf(hash: Bytes): ObjectHash {
  return hash.toHex() as ObjectHash;
}

/** Reads a mailbox id. @throws {Problem} `malformed` */
export function parseMailboxId(text: string): MailboxId {
  return parseHash(text, "mailbox id") as MailboxId;
}

/** Reads an object hash. @throws {Problem} `malformed` */
export function parseObjectHash(text: string): ObjectHash {
  return parseHash(text, "object hash") as ObjectHash;
}

function parseHash(text: string, what: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new Problem(
    "malformed",
    `a ${what} is 64 lower-case hex digits, not "${text.slice(0, 80)}"`,
  );
}
