/** The contact message, JSON inside a Maxima message (spec/maxima.md 11). */
import assert from "node:assert/strict";
import {
  looksLikeContactAddress,
  parseContactAddress,
} from "../../../lib/minima/address.ts";
import { decode, encode } from "../../../lib/minima/codec.ts";
import { hexText, miniString, parseHex } from "../../../lib/minima/minidata.ts";
import {
  miniNumberText,
  parseMiniNumber,
} from "../../../lib/minima/mininumber.ts";
import { parseMxText } from "../../../lib/minima/mxtext.ts";

/** Keys whose values are text, in the order written; a delete has no icon. */
const TEXT_KEYS = [
  "publickey",
  "address",
  "name",
  "icon",
  "minimaaddress",
  "topblock",
  "checkblock",
  "checkhash",
  "mls",
] as const;

/** What a delete says besides the public key. */
const OF_DELETE = {
  delete: true,
  intro: false,
  address: "",
  name: "",
  minimaaddress: "Mx00",
  topblock: "0",
  checkblock: "0",
  checkhash: "0x00",
  mls: "",
};

type Texts = Record<typeof TEXT_KEYS[number], string>;

/** Fails unless a text is the contact message of section 11. */
export function assertContactMessage(text: string): void {
  assert.equal(decode(miniString, encode(miniString, text)), text);
  const message: Record<string, unknown> = JSON.parse(text);
  const texts = TEXT_KEYS.filter((key) => !message["delete"] || key !== "icon");
  assert.deepEqual(Object.keys(message), ["delete", "intro", ...texts]);
  assert.equal(typeof message["delete"], "boolean");
  assert.equal(typeof message["intro"], "boolean");
  for (const key of texts) assert.equal(typeof message[key], "string", key);

  const { publickey, ...others } = message as Texts;
  assert.equal(hexText(parseHex(publickey)), publickey);
  if (message["delete"]) return assert.deepEqual(others, OF_DELETE);
  assertDetails(others);
}

function assertDetails(details: Omit<Texts, "publickey">): void {
  for (const address of [details.address, details.mls]) {
    if (address === "") continue;
    assert.ok(looksLikeContactAddress(address));
    assert.ok(parseContactAddress(address).publicKey.length > 0);
  }
  const { bytes, canonical } = parseMxText(details.minimaaddress);
  assert.deepEqual([bytes.length, canonical], [32, true]);
  for (const block of [details.topblock, details.checkblock]) {
    assert.equal(miniNumberText(parseMiniNumber(block)), block);
  }
  assert.equal(parseHex(details.checkhash).length, 32);
  assert.equal(hexText(parseHex(details.checkhash)), details.checkhash);
}
