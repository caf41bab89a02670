/** The hashes of the network, and those of its Merkle mountain range. */
import assert from "node:assert/strict";
import { sha3_256 } from "../../../lib/hash.ts";
import { decode, encode } from "../../../lib/minima/codec.ts";
import { hexText, miniData } from "../../../lib/minima/minidata.ts";
import { mmrParent, scriptAddress } from "../../../lib/minima/mmr.ts";
import { mxText } from "../../../lib/minima/mxtext.ts";
import { mmrData } from "../../../lib/minima/witness.ts";
import { claims, testVectors, type Vector } from "../../vectors/mod.ts";

interface HashVector extends Vector {
  readonly input: string;
}

interface ParentVector extends Vector {
  readonly left: string;
  readonly right: string;
}

interface ScriptVector extends Vector {
  readonly script: string;
}

const node = (hex: string) => decode(mmrData, Uint8Array.fromHex(hex));

testVectors<{
  "sha3-256": HashVector;
  "sha2-256": HashVector;
  "hashObject-minidata": HashVector;
  "mmr-parent": ParentVector;
  "mmr-leaf-script": ScriptVector;
}>("hash", {
  "sha3-256"(vector) {
    const hash = sha3_256(Uint8Array.fromHex(vector.input)).toHex();
    assert.deepEqual({ hash }, claims(vector, "input"));
  },

  // Scripts and Maxima signatures take it from the platform, and so do we.
  async "sha2-256"(vector) {
    const input = Uint8Array.fromHex(vector.input);
    const digest = await crypto.subtle.digest("SHA-256", input);
    const hash = new Uint8Array(digest).toHex();
    assert.deepEqual({ hash }, claims(vector, "input"));
  },

  "hashObject-minidata"(vector) {
    const object = encode(miniData, Uint8Array.fromHex(vector.input));
    const hash = sha3_256(object).toHex();
    assert.deepEqual({ hash }, claims(vector, "input"));
  },

  "mmr-parent"(vector) {
    const found = mmrParent(node(vector.left), node(vector.right));
    const parent = encode(mmrData, found).toHex();
    assert.deepEqual({ parent }, claims(vector, "left", "right"));
  },

  "mmr-leaf-script"(vector) {
    const address = scriptAddress(vector.script);
    assert.deepEqual({
      leafHash: address.toHex(),
      address: hexText(address),
      mxAddress: mxText(address),
    }, claims(vector, "script"));
  },
});
