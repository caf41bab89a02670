/** Maxima's structures, and the form of the envelopes that carry them. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes.ts";
import { type Codec, decode, encode } from "../../../lib/minima/codec.ts";
import {
  applicationMessageId,
  maximaCtrlMessage,
  maximaErrorMsg,
  maximaInternal,
  maximaMessage,
  maximaPackage,
  mlsGetRequest,
  mlsGetResponse,
  mlsSet,
  packageHash,
} from "../../../lib/minima/maxima.ts";
import { miniNumberText } from "../../../lib/minima/mininumber.ts";
import { claims, testVectors, type Vector } from "../../vectors/mod.ts";
import { assertContactMessage } from "./contact_message.ts";
import { assertEnvelope, type EnvelopeVector } from "./maxtxpow_record.ts";

interface PlainVector extends Vector {
  readonly hex: string;
}

interface ContactInfoVector extends Vector {
  readonly text: string;
}

testVectors<{
  maxtxpow: EnvelopeVector;
  package: PlainVector;
  internal: PlainVector;
  message: PlainVector;
  mlsgetreq: PlainVector;
  mlsgetresp: PlainVector;
  mlsset: PlainVector;
  ctrl: PlainVector;
  errormsg: PlainVector;
  contactinfo: ContactInfoVector;
}>("maxima", {
  // The form alone. Its work is judged in tests/lib/work, and its sealed
  // message opened in tests/lib/seal.
  maxtxpow: assertEnvelope,

  package: plain(maximaPackage, (value) => ({
    version: value.version,
    to: value.to.toHex(),
    data: value.data.toHex(),
    hash: packageHash(value).toHex(),
  })),

  internal: plain(maximaInternal, (value) => ({
    from: value.from.toHex(),
    data: value.data.toHex(),
    signature: value.signature.toHex(),
  })),

  message: plain(maximaMessage, (value) => ({
    random: value.random.toHex(),
    from: value.from.toHex(),
    to: value.to.toHex(),
    timeMilli: miniNumberText(value.time),
    application: value.application,
    data: value.data.toHex(),
    msgid: applicationMessageId(encode(maximaMessage, value)).toHex(),
  })),

  mlsgetreq: plain(mlsGetRequest, (value) => value),
  mlsgetresp: plain(mlsGetResponse, (value) => value),
  mlsset: plain(mlsSet, (value) => value),
  errormsg: plain(maximaErrorMsg, (value) => value),

  ctrl: plain(maximaCtrlMessage, ({ type, data }) => ({
    type,
    data: data.toHex(),
  })),

  contactinfo: ({ text }) => assertContactMessage(text),
});

/** Decodes, tells of the value in the vector's members, and encodes again. */
function plain<T>(
  codec: Codec<T>,
  members: (value: T) => object,
): (vector: PlainVector) => void {
  return (vector) => {
    const bytes: Bytes = Uint8Array.fromHex(vector.hex);
    const value = decode(codec, bytes);
    assert.deepEqual(members(value), claims(vector, "hex"));
    assert.deepEqual(encode(codec, value), bytes);
  };
}
