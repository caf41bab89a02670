/** A server that lets anybody in as a relay does, and then answers as it is told. */
import { decodeMaxTxPow } from "../../lib/minima/maxtxpow.ts";
import { verifyProof } from "../../lib/dpop.ts";
import { open } from "../../lib/seal/maxima.ts";
import { hexTarget, targetOf } from "../../lib/work/target.ts";
import { sharedKeys } from "../routes/shared_keys.ts";
import { FakeRelay } from "./fake_relay.ts";

/** What the answer to a handshake says inside. */
export interface Claim {
  readonly challenge: string;
  readonly url: string;
  readonly scopes: readonly string[];
  readonly jkt: string;
}

/** How a home behaves where it has to. */
export interface HomeOptions {
  /** Expected hashes that a handshake is to take. */
  readonly hashes?: number;
  /** Members that the answer with the token has instead. */
  readonly token?: () => Record<string, unknown>;
  /** What is answered to a handshake instead of a token, if anything. */
  readonly refuse?: (claim: Claim) => Response | null;
}

const { maxima } = await sharedKeys();
const CHALLENGE = "c5".repeat(32);

/** Shakes hands with everybody; what else is asked, its answers are told. */
export class FakeHome extends FakeRelay {
  /** What was claimed in handshakes, in order. */
  readonly claims: Claim[] = [];
  /** Headers of what else was asked, in order. */
  readonly headers: Headers[] = [];

  constructor(
    answer: (request: Request) => Response | Promise<Response>,
    options: HomeOptions = {},
  ) {
    super((request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/v1/handshakes") return challenge(options);
      if (pathname.startsWith("/v1/handshakes/")) {
        return this.#grant(request, options);
      }
      this.headers.push(new Headers(request.headers));
      return answer(request);
    });
  }

  /**
   * Checks that a request came with a proof of the key that its token is bound
   * to, for the URL that the client was told.
   *
   * @throws {Problem} if it did not
   */
  async requireProof(headers: Headers, method: string, path: string) {
    const [, token = ""] = /^DPoP (.+)$/.exec(
      headers.get("Authorization") ?? "",
    ) ?? [];
    await verifyProof(headers.get("DPoP") ?? "", {
      method,
      urls: [this.url + path],
      token,
      jkt: this.claims.at(-1)?.jkt ?? "",
      now: Date.now(),
    });
  }

  async #grant(request: Request, options: HomeOptions): Promise<Response> {
    const unit = decodeMaxTxPow(new Uint8Array(await request.arrayBuffer()));
    const { data } = await open(unit.package, maxima);
    const claim: Claim = JSON.parse(new TextDecoder().decode(data));
    this.claims.push(claim);
    return options.refuse?.(claim) ?? Response.json({
      token: `token-${this.claims.length}`,
      tokenType: "DPoP",
      expires: Date.now() + 900_000,
      scopes: claim.scopes,
      mailbox: { id: "0".repeat(64), created: false },
      ...options.token?.(),
    });
  }
}

function challenge({ hashes = 10_000 }: HomeOptions): Response {
  return Response.json({
    handshake: "h-1",
    relayKey: maxima.publicKey.toHex(),
    address: "",
    challenge: CHALLENGE,
    work: { target: hexTarget(targetOf(hashes)), hashes: 1 },
    expires: Date.now() + 300_000,
  }, { status: 201 });
}
