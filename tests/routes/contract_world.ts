/** What the cases of the contract are asked of. */
import { encode } from "../../lib/minima/codec.ts";
import { maxTxPow } from "../../lib/minima/maxima.ts";
import { envelopeBytes, NETWORK_LIMITS } from "../../lib/minima/maxtxpow.ts";
import type { Scope } from "../../lib/token.ts";
import { type EnvelopeParts, makeEnvelope, makePackage } from "./envelopes.ts";
import { Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

/** A relay, a mailbox of it, and a relay that fails. */
export interface World {
  readonly relay: TestRelay;
  /** With the keys of the other, and a database that was closed under it. */
  readonly broken: TestRelay;
  readonly owner: Owner;
}

/** One way to ask for an operation. */
export interface Case {
  /** What is asked, in words. */
  readonly when: string;
  readonly ask: (world: World) => Promise<Response>;
  /** What is answered: a status, and the code of a refusal. */
  readonly then: string;
}

/** Cases by the operation that they ask for. */
export type Cases = Readonly<Record<string, readonly Case[]>>;

/** The header of a request with a JSON body. */
export const JSON_TYPE = { "Content-Type": "application/json" };

/** A mailbox id and an object hash of nothing. */
export const UNKNOWN_ID = "0".repeat(64);

/** A body of one byte more than an envelope can have. */
export const TOO_LARGE = new Uint8Array(envelopeBytes(NETWORK_LIMITS) + 1);

/** A new world. */
export async function openWorld(relay: TestRelay): Promise<World> {
  const broken = await TestRelay.open();
  broken[Symbol.dispose]();
  return { relay, broken, owner: await Owner.open(relay) };
}

/** Posts JSON, or a text in its place. */
export function postJson(
  relay: TestRelay,
  path: string,
  body: unknown,
  headers: HeadersInit = JSON_TYPE,
): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return relay.fetch(path, { method: "POST", headers, body: text });
}

/** An envelope to the owner, with some parts of it unusual. */
export function unusual(
  { relay, owner }: World,
  parts: Partial<EnvelopeParts>,
): Uint8Array<ArrayBuffer> {
  const unit = makeEnvelope({
    package: makePackage(owner.publicKey, 900),
    time: relay.clock.time,
    ...parts,
  });
  return encode(maxTxPow, unit);
}

/** The owner, whose tokens have these scopes alone. */
export function withScopes(
  { relay, owner }: World,
  ...scopes: readonly Scope[]
): Promise<Owner> {
  return Owner.open(relay, owner.publicKey, scopes);
}

/** Asks the broken relay with a token, which is good for both. */
export async function askBroken(
  { broken, owner }: World,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("Authorization", `Bearer ${await owner.token()}`);
  return await broken.fetch(path, { ...init, headers });
}

/** The cursor before everything in the broken relay's store. */
export function brokenStart({ broken }: World): string {
  return `${broken.relay.store.epoch}-${"0".repeat(20)}`;
}
