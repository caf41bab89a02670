/** Who asks a relay, and what shows that they may. */
import { issueToken, type Scope } from "../../lib/token.ts";
import type { Owner } from "./owner.ts";
import type { ProofKey, ProofParts } from "./proof_key.ts";
import { ORIGIN, type TestRelay } from "./relay_fixture.ts";

/** A request that needs a token. */
export interface TokenRequest {
  readonly method: string;
  readonly path: string;
  readonly scope: Scope;
  readonly body?: string;
}

/** Who asks whom. */
export interface Scene {
  readonly relay: TestRelay;
  readonly otherRelay: TestRelay;
  readonly owner: Owner;
  readonly proofKey: ProofKey;
  readonly otherKey: ProofKey;
}

/** Something that is wrong with a request's headers. */
export interface BadCredentials {
  readonly what: string;
  readonly headers: (
    scene: Scene,
    request: TokenRequest,
  ) => Promise<Record<string, string>>;
}

/** A token of the owner's, which anybody can use who holds it. */
export async function bearerToken(
  { relay, owner: { mailbox } }: Scene,
  ...scopes: readonly Scope[]
): Promise<string> {
  const { signing } = relay.relay.keys;
  const grant = { mailbox, scopes, jkt: null };
  return (await issueToken(signing, grant, relay.clock.time)).token;
}

/** A token of the owner's, which is bound to a key. */
export async function boundToken(
  { relay, owner: { mailbox }, proofKey: { jkt } }: Scene,
  ...scopes: readonly Scope[]
): Promise<string> {
  const { signing } = relay.relay.keys;
  const grant = { mailbox, scopes, jkt };
  return (await issueToken(signing, grant, relay.clock.time)).token;
}

/** What goes with a request by a bound token. */
export async function dpopHeaders(
  scene: Scene,
  { method, path, scope }: TokenRequest,
  parts: Partial<ProofParts> = {},
  signer: ProofKey = scene.proofKey,
): Promise<Record<string, string>> {
  const token = await boundToken(scene, scope);
  const url = ORIGIN + path;
  const { time } = scene.relay.clock;
  const proof = await signer.prove({ method, url, token, time, ...parts });
  return { Authorization: `DPoP ${token}`, DPoP: proof };
}
