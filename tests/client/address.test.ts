/** The texts that people pass around: whom they name, and where. */
import assert from "node:assert/strict";
import { addressAt, ClientError, parseRecipient } from "../../client/mod.ts";
import { hostUrl } from "../../client/address.ts";
import { makeIdentity } from "../../client/identity.ts";
import { hexText } from "../../lib/minima/minidata.ts";
import { mxText } from "../../lib/minima/mxtext.ts";
import { freshKey } from "../routes/owner.ts";

const { key: { publicKey: rsaKey } } = await makeIdentity(1024);
const modernKey = freshKey();

function assertAddressInvalid(run: () => unknown): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ClientError, `${error}`);
    assert.equal(error.code, "address-invalid");
    return true;
  });
}

/** Hosts and ports of contact addresses, and the relays that they name. */
const RELAYS: readonly [hostAndPort: string, url: string][] = [
  ["relay.example:443", "https://relay.example"],
  ["relay.example:8443", "https://relay.example:8443"],
  ["Relay.Example:443", "https://relay.example"],
  ["relay.example:80", "https://relay.example:80"],
  ["relay.example:+443", "https://relay.example"],
  ["10.0.0.1:9001", "https://10.0.0.1:9001"],
  ["127.0.0.1:8000", "http://127.0.0.1:8000"],
  ["127.0.0.1:80", "http://127.0.0.1"],
  ["127.0.0.1:443", "http://127.0.0.1:443"],
  ["127.255.255.254:1", "http://127.255.255.254:1"],
  ["localhost:65535", "http://localhost:65535"],
  ["LocalHost:8000", "http://localhost:8000"],
  ["localhost.example:8000", "https://localhost.example:8000"],
  ["127.0.0.1.example:8000", "https://127.0.0.1.example:8000"],
  ["128.0.0.1:8000", "https://128.0.0.1:8000"],
];

Deno.test("parseRecipient() reads contact addresses: https, but http to this machine", async (t) => {
  for (const [place, relayUrl] of RELAYS) {
    await t.step(place, () => {
      for (const publicKey of [rsaKey, modernKey]) {
        for (const key of [mxText(publicKey), hexText(publicKey)]) {
          assert.deepEqual(parseRecipient(`${key}@${place}`), {
            publicKey,
            relayUrl,
          });
        }
      }
    });
  }
});

Deno.test("parseRecipient() reads permanent addresses: the owner's key, the relay of the location service", () => {
  const mls = `${mxText(modernKey)}@relay.example:9001`;
  for (const key of [hexText(rsaKey), rsaKey.toHex(), mxText(rsaKey)]) {
    assert.deepEqual(parseRecipient(`MAX#${key}#${mls}`), {
      publicKey: rsaKey,
      relayUrl: "https://relay.example:9001",
    });
  }
});

Deno.test("parseRecipient() reads a key alone, which names no relay", () => {
  for (const publicKey of [rsaKey, modernKey]) {
    const texts = [
      publicKey.toHex(),
      publicKey.toHex().toUpperCase(),
      hexText(publicKey),
      `0X${publicKey.toHex()}`,
      mxText(publicKey),
    ];
    for (const text of texts) {
      assert.deepEqual(parseRecipient(text), { publicKey, relayUrl: null });
    }
  }
});

const MX = mxText(rsaKey);
/** A text with another character at a place. */
const damaged = (text: string, at: number) =>
  text.slice(0, at) + (text[at] === "0" ? "1" : "0") + text.slice(at + 1);

const NO_ADDRESSES: readonly string[] = [
  "",
  " ",
  "alice",
  "Mx",
  "Mx00",
  "0x",
  "00",
  "zz",
  damaged(MX, 20),
  MX.toLowerCase(),
  MX.slice(0, -1),
  rsaKey.toHex().slice(2),
  `${rsaKey.toHex()}00`,
  mxText(new Uint8Array(32)),
  `${MX}@`,
  `${MX}@relay.example`,
  `${MX}@relay.example:`,
  `${MX}@relay.example:https`,
  `${MX}@relay.example:0`,
  `${MX}@relay.example:-1`,
  `${MX}@relay.example:65536`,
  `${MX}@relay.example:9001 `,
  `${MX}@:9001`,
  `${MX}@[::1]:9001`,
  `${MX}@relay example:9001`,
  `${MX}@relay.example/path:9001`,
  `${MX}@127.0.0.999:9001`,
  `@relay.example:9001`,
  `00@relay.example:9001`,
  `${damaged(MX, 20)}@relay.example:9001`,
  "MAX#",
  `MAX#${hexText(rsaKey)}`,
  `MAX#${hexText(rsaKey)}#`,
  `MAX#${hexText(rsaKey)}#relay.example:9001`,
  `MAX#00#${MX}@relay.example:9001`,
  `MAX##${MX}@relay.example:9001`,
  `max#${hexText(rsaKey)}#${MX}@relay.example:9001`,
  "x".repeat(100_000),
  `Mx${"0".repeat(100_000)}`,
];

Deno.test("parseRecipient() says what is not an address", async (t) => {
  for (const text of NO_ADDRESSES) {
    const short = text.replace(MX, "Mx…").slice(0, 60);
    await t.step(
      `"${short}"`,
      () => assertAddressInvalid(() => parseRecipient(text)),
    );
  }
});

/** A host that a URL takes for something else: credentials, query, fragment. */
const NO_HOSTS: readonly string[] = [
  "good.example@evil.example",
  "good:pass@evil.example",
  "good.example?evil.example",
  "good.example#evil.example",
  "good.example\\evil.example",
  "good.example\t",
  "good.example\n",
];

Deno.test("parseRecipient() takes nothing for a host that is more than one", async (t) => {
  for (const host of NO_HOSTS) {
    await t.step(
      JSON.stringify(host),
      () => assertAddressInvalid(() => parseRecipient(`${MX}@${host}:9001`)),
    );
  }
});

Deno.test("hostUrl() takes nothing for a host that is more than one, and reads those of this machine by http", async (t) => {
  const more = [
    "",
    ":1",
    "relay.example/path",
    "relay.example/",
    "-relay.example",
    "relay.example:",
    "relay.example:65536",
    "relay.example:123456",
    "[::1]",
    "relay example",
  ];
  for (const host of [...NO_HOSTS, ...more]) {
    await t.step(
      JSON.stringify(host),
      () => assertAddressInvalid(() => hostUrl(host)),
    );
  }
  const hosts: [host: string, url: string][] = [
    ["relay.example", "https://relay.example"],
    ["Relay.Example:8443", "https://relay.example:8443"],
    ["localhost:8000", "http://localhost:8000"],
    ["127.0.0.1", "http://127.0.0.1"],
    ["localhost.example", "https://localhost.example"],
  ];
  for (const [host, url] of hosts) {
    await t.step(host, () => assert.equal(hostUrl(host), url));
  }
});

Deno.test("parseRecipient() reads the MLS of a permanent address as strictly", () => {
  const text = `MAX#${hexText(rsaKey)}#${MX}@good.example@evil.example:9001`;
  assertAddressInvalid(() => parseRecipient(text));
});

const URLS: readonly [url: string, place: string][] = [
  ["https://relay.example", "relay.example:443"],
  ["https://relay.example/", "relay.example:443"],
  ["https://relay.example:8443", "relay.example:8443"],
  ["http://127.0.0.1:8000", "127.0.0.1:8000"],
  ["http://localhost", "localhost:80"],
];

Deno.test("addressAt() gives the address that parseRecipient() reads", () => {
  for (const [url, place] of URLS) {
    for (const publicKey of [rsaKey, modernKey]) {
      const address = addressAt(publicKey, url);
      assert.equal(address, `${mxText(publicKey)}@${place}`);
      assert.deepEqual(parseRecipient(address), {
        publicKey,
        relayUrl: new URL(url).origin,
      });
    }
  }
});

Deno.test("addressAt() refuses a host that an address cannot name", () => {
  for (const url of ["http://[::1]:8000", "https://[2001:db8::1]"]) {
    assertAddressInvalid(() => addressAt(rsaKey, url));
  }
});
