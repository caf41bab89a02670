/** Contact and permanent addresses as the genuine parser reads them. */
import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import {
  contactAddressText,
  looksLikeContactAddress,
  parseContactAddress,
  parsePermanentAddress,
} from "../../../lib/minima/address.ts";
import { hexText, TextFormError } from "../../../lib/minima/minidata.ts";
import { claims, testVectors, type Vector } from "../../vectors/mod.ts";

interface AddressVector extends Vector {
  readonly text: string;
  readonly valid: boolean;
}

testVectors<{ contact: AddressVector; permanent: AddressVector }>("address", {
  contact(vector) {
    const { text } = vector;
    const passesMxCheck = looksLikeContactAddress(text);
    if (!vector.valid) {
      assert.throws(() => parseContactAddress(text), TextFormError);
      const expected = claims(vector, "text", "error");
      return assert.deepEqual({ passesMxCheck, valid: false }, expected);
    }
    const address = parseContactAddress(text);
    assert.deepEqual({
      passesMxCheck,
      valid: true,
      publicKey: hexText(address.publicKey),
      host: address.host,
      port: address.port,
      keyIsRsa: isRsaKey(address.publicKey),
    }, claims(vector, "text"));
    const written = contactAddressText(address);
    assert.deepEqual(parseContactAddress(written), address);
    if (text.startsWith("Mx")) assert.equal(written, text);
  },

  permanent(vector) {
    const { text } = vector;
    if (!vector.valid) {
      assert.throws(() => parsePermanentAddress(text), TextFormError);
      const expected = claims(vector, "text", "error");
      return assert.deepEqual({ valid: false }, expected);
    }
    const { publicKeyText, mlsText, mls } = parsePermanentAddress(text);
    assert.deepEqual({
      valid: true,
      publicKeyText,
      mls: mlsText,
      mlsPublicKey: hexText(mls.publicKey),
      mlsHost: mls.host,
      mlsPort: mls.port,
    }, claims(vector, "text"));
  },
});

/** Whether bytes are the SubjectPublicKeyInfo of an RSA key. */
function isRsaKey(bytes: Uint8Array): boolean {
  try {
    const key = { key: bytes.toHex(), format: "der", type: "spki" } as const;
    return createPublicKey({ ...key, encoding: "hex" }).asymmetricKeyType ===
      "rsa";
  } catch {
    return false;
  }
}
