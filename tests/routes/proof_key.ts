/** A client's DPoP key, and proofs with any part of them made wrong. */
import {
  base64url,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  SignJWT,
} from "jose";

/** How a proof is signed. */
export type ProofAlgorithm = "EdDSA" | "ES256";

/** A request that is to be proven. */
export interface ProofParts {
  readonly method: string;
  readonly url: string;
  readonly token: string;
  /** Unix milliseconds. */
  readonly time: number;
  /** Claims that are not as they should be. */
  readonly claims?: Record<string, unknown>;
  /** Members of the header that are not as they should be. */
  readonly header?: Record<string, unknown>;
}

/** Signs proofs. */
export class ProofKey {
  readonly privateKey: CryptoKey;
  readonly algorithm: ProofAlgorithm;
  readonly jwk: JWK;
  /** The key's thumbprint, which a token is bound to. */
  readonly jkt: string;

  private constructor(
    privateKey: CryptoKey,
    algorithm: ProofAlgorithm,
    jwk: JWK,
    jkt: string,
  ) {
    this.privateKey = privateKey;
    this.algorithm = algorithm;
    this.jwk = jwk;
    this.jkt = jkt;
  }

  static async make(algorithm: ProofAlgorithm = "EdDSA"): Promise<ProofKey> {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, {
      extractable: true,
    });
    const jwk = await exportJWK(publicKey);
    return new ProofKey(
      privateKey as CryptoKey,
      algorithm,
      jwk,
      await calculateJwkThumbprint(jwk),
    );
  }

  /** A proof (RFC 9449, section 4.2). */
  async prove(parts: ProofParts): Promise<string> {
    const { method, url, token, time, claims, header } = parts;
    const digest = await crypto.subtle.digest(
      "SHA-256",
      new TextEncoder().encode(token),
    );
    return await new SignJWT({
      htm: method,
      htu: url,
      ath: base64url.encode(new Uint8Array(digest)),
      jti: crypto.randomUUID(),
      iat: Math.floor(time / 1_000),
      ...claims,
    })
      .setProtectedHeader({
        alg: this.algorithm,
        typ: "dpop+jwt",
        jwk: this.jwk,
        ...header,
      })
      .sign(this.privateKey);
  }
}
