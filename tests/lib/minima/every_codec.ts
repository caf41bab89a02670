/** Every codec of the formats, beside values for it. */
import fc from "fast-check";
import type { Codec } from "../../../lib/minima/codec.ts";
import { magic } from "../../../lib/minima/magic.ts";
import * as maxima from "../../../lib/minima/maxima.ts";
import {
  hashField,
  list,
  miniData,
  miniString,
} from "../../../lib/minima/minidata.ts";
import { miniNumber } from "../../../lib/minima/mininumber.ts";
import * as transaction from "../../../lib/minima/transaction.ts";
import { superParents, txHeader } from "../../../lib/minima/txheader.ts";
import { txBody, txPow } from "../../../lib/minima/txpow.ts";
import * as witness from "../../../lib/minima/witness.ts";
import {
  bytes,
  entryNumber,
  hash,
  number,
  octet,
  parents,
  record,
  text,
} from "./arbitraries.ts";
import * as arbitrary from "./unit_arbitraries.ts";

/** What is done with a codec; the values are canonical ones of its type. */
export type CodecVisitor = <T>(
  name: string,
  codec: Codec<T>,
  values: fc.Arbitrary<T>,
) => void;

/** Visits each codec under its name. */
export function everyCodec(visit: CodecVisitor): void {
  visit("miniNumber", miniNumber, number);
  visit("miniData", miniData, bytes(300));
  visit("hashField", hashField, hash);
  visit("miniString", miniString, text);
  visit("list(hashField)", list(hashField), fc.array(hash));
  visit("superParents", superParents, parents);
  visit("magic", magic, arbitrary.magic);
  visit("mmrEntryNumber", transaction.mmrEntryNumber, entryNumber);
  visit("stateVariable", transaction.stateVariable, arbitrary.stateVariable);
  visit("token", transaction.token, arbitrary.token);
  visit("coin", transaction.coin, arbitrary.coin);
  visit("transaction", transaction.transaction, arbitrary.transaction);
  visit("mmrData", witness.mmrData, arbitrary.mmrData);
  visit("mmrProof", witness.mmrProof, arbitrary.mmrProof);
  visit("signature", witness.signature, arbitrary.signature);
  visit("witness", witness.witness, arbitrary.witness);
  visit("txHeader", txHeader, arbitrary.header);
  visit("txBody", txBody, arbitrary.body);
  visit("txPow", txPow, arbitrary.unit);
  visit("maximaPackage", maxima.maximaPackage, arbitrary.sealed);
  visit("maxTxPow", maxima.maxTxPow, arbitrary.envelope);
  visit(
    "cryptoPackage",
    maxima.cryptoPackage,
    record({ iv: bytes(16), wrappedKey: bytes(256), ciphertext: bytes(300) }),
  );
  visit(
    "maximaInternal",
    maxima.maximaInternal,
    record({ from: bytes(300), data: bytes(300), signature: bytes(256) }),
  );
  visit(
    "maximaMessage",
    maxima.maximaMessage,
    record({
      random: bytes(32),
      from: bytes(300),
      to: bytes(300),
      time: number,
      application: text,
      data: bytes(300),
    }),
  );
  visit("maximaErrorMsg", maxima.maximaErrorMsg, record({ error: text }));
  visit(
    "maximaCtrlMessage",
    maxima.maximaCtrlMessage,
    record({ type: octet, data: bytes(300) }),
  );
  visit(
    "mlsGetRequest",
    maxima.mlsGetRequest,
    record({ publicKey: text, randomUid: text }),
  );
  visit(
    "mlsGetResponse",
    maxima.mlsGetResponse,
    record({ publicKey: text, address: text, randomUid: text }),
  );
  visit(
    "mlsSet",
    maxima.mlsSet,
    record({ address: text, validPublicKeys: fc.array(text) }),
  );
}
