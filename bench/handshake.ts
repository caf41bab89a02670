/** What a false answer to a challenge costs the relay, and whoever sends it. */
import process from "node:process";
import { type Identity, makeIdentity, Relay, Session } from "../client/mod.ts";
import { z } from "zod";
import { HANDSHAKE_APPLICATION } from "../lib/handshake.ts";
import type { Bytes } from "../lib/bytes.ts";
import { encode } from "../lib/minima/codec.ts";
import { MAX_HASH, MAXIMA_VERSION } from "../lib/minima/constants.ts";
import {
  cryptoPackage,
  maximaInternal,
  maximaMessage,
  maxTxPow,
  packageHash,
} from "../lib/minima/maxima.ts";
import { integer } from "../lib/minima/mininumber.ts";
import { systemRandom } from "../lib/random.ts";
import { encrypt } from "../lib/seal/maxima.ts";
import { generateSigningKey } from "../lib/signing_key.ts";
import { mine } from "../lib/work/mine.ts";
import { count, printTable } from "./measure.ts";
import { type Server, startServer } from "./processes.ts";

/** Answers of each kind, and what comes before any of them. */
const ANSWERS = 150;
const WARM_UP = 60;
/** Of a kind that is refused at once, which takes too little to be seen. */
const CHEAP_FACTOR = 20;
/** Fewer than a relay lets wait for its private key. */
const AT_ONCE = 50;

const challengeForm = z.looseObject({
  handshake: z.string(),
  relayKey: z.string(),
  challenge: z.string(),
  work: z.looseObject({ target: z.string(), hashes: z.number() }),
});

type Challenge = z.infer<typeof challengeForm>;

/** A kind of false answer. */
interface Kind {
  readonly what: string;
  /** Whose challenge is answered. */
  readonly publicKey: Bytes;
  /** The sealed bytes. */
  readonly seal: (challenge: Challenge) => Bytes | Promise<Bytes>;
  /** The same bytes each time, which the relay refuses unopened. */
  readonly isCheap?: boolean;
  /** Work is done at all. */
  readonly isMined?: boolean;
  /** Where to, if not to the challenge's own place. */
  readonly path?: string;
}

/** Prints one table; the relay is a process, at its base price. */
export async function benchHandshake(): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await using server = await startServer(
      "relay",
      `${folder}/store.kv`,
      await generateSigningKey(),
      { RESTANTE_HANDSHAKE_RATE: "1000000" },
    );
    const relay = new Relay(server.url);
    const [small, large, stranger] = await Promise.all(
      [1_024, 4_096, 1_024].map((bits) => makeIdentity(bits)),
    ) as [Identity, Identity, Identity];
    for (const owner of [small, large]) await new Session(relay, owner).open();
    const rows = [["false answer", "hashes", "relay ms", "sender ms", "ratio"]];
    const kinds = kindsOf(server.url, small, large, stranger);
    await attack(relay, server, kinds[0] as Kind, WARM_UP);
    for (const kind of kinds) {
      const { hashes, relayMs, senderMs } = await attack(
        relay,
        server,
        kind,
        kind.isCheap ? CHEAP_FACTOR * ANSWERS : ANSWERS,
      );
      rows.push([
        kind.what,
        count(hashes),
        relayMs.toFixed(2),
        senderMs.toFixed(2),
        (relayMs / senderMs).toFixed(2),
      ]);
    }
    printTable("A false handshake answer, processor time of each side", rows);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function kindsOf(
  url: string,
  { key: small }: Identity,
  { key: large }: Identity,
  { key: stranger }: Identity,
): readonly Kind[] {
  const { publicKey } = small;
  const unsigned = (publicKey: Bytes, isRight = true) => (it: Challenge) =>
    sealUnsigned(it, url, publicKey, isRight);
  return [
    { what: "noise, under right work", publicKey, seal: sealNoise },
    {
      what: "a wrong challenge",
      publicKey,
      seal: unsigned(publicKey, false),
    },
    {
      what: "a wrong signature, 1,024 bits",
      publicKey,
      seal: unsigned(publicKey),
    },
    {
      what: "a wrong signature, 4,096 bits",
      publicKey: large.publicKey,
      seal: unsigned(large.publicKey),
    },
    {
      what: "a wrong signature, no mailbox",
      publicKey: stranger.publicKey,
      seal: unsigned(stranger.publicKey),
    },
    { what: "the same again", publicKey, seal: sealNoise, isCheap: true },
    {
      what: "no work",
      publicKey,
      seal: sealNoise,
      isCheap: true,
      isMined: false,
    },
    {
      what: "no handshake at all, to compare",
      publicKey,
      seal: sealNoise,
      isCheap: true,
      isMined: false,
      path: "/v1/nothing",
    },
  ];
}

/** What takes a private key to see through. */
function sealNoise(): Bytes {
  return encode(cryptoPackage, {
    iv: systemRandom(16),
    wrappedKey: new Uint8Array([0, ...systemRandom(255)]),
    ciphertext: systemRandom(704),
  });
}

/** A right answer but for its signature, which costs nothing to make. */
async function sealUnsigned(
  { relayKey, challenge }: Challenge,
  url: string,
  from: Bytes,
  isRight: boolean,
): Promise<Bytes> {
  const to = Uint8Array.fromHex(relayKey);
  const answer = {
    challenge: isRight ? challenge : "0".repeat(64),
    url,
    scopes: ["read"],
  };
  const data = encode(maximaMessage, {
    random: systemRandom(32),
    from,
    to,
    time: integer(Date.now()),
    application: HANDSHAKE_APPLICATION,
    data: new TextEncoder().encode(JSON.stringify(answer)),
  });
  const signature = new Uint8Array([
    0,
    ...systemRandom(from.length > 300 ? 511 : 127),
  ]);
  return await encrypt(to, encode(maximaInternal, { from, data, signature }));
}

/** Sends so many, and gives what one took. */
async function attack(
  relay: Relay,
  server: Server,
  { publicKey, seal, isMined = true, isCheap = false, path }: Kind,
  answers: number,
) {
  const [relayBefore, ownBefore] = [await server.cpu(), ownCpu()];
  const challenge = await relay.post(
    "/v1/handshakes",
    { publicKey: publicKey.toHex() },
    challengeForm,
  );
  const bodies: Bytes[] = [];
  for (let n = 0; n < answers; n++) {
    const [first] = bodies;
    bodies.push(
      isCheap && first !== undefined
        ? first
        : await makeAnswer(challenge, await seal(challenge), isMined),
    );
  }
  const url = server.url + (path ?? `/v1/handshakes/${challenge.handshake}`);
  const atOnce = isCheap ? CHEAP_FACTOR * AT_ONCE : AT_ONCE;
  for (let start = 0; start < answers; start += atOnce) {
    const some = bodies.slice(start, start + atOnce);
    await Promise.all(some.map((body) => send(url, body)));
  }
  const [ownAfter, relayAfter] = [ownCpu(), await server.cpu()];
  return {
    hashes: isMined && !isCheap ? challenge.work.hashes : 0,
    relayMs: (relayAfter - relayBefore) / answers,
    senderMs: (ownAfter - ownBefore) / answers,
  };
}

async function makeAnswer(
  { relayKey, work }: Challenge,
  data: Bytes,
  isMined: boolean,
): Promise<Bytes> {
  const to = Uint8Array.fromHex(relayKey);
  const sealed = { version: MAXIMA_VERSION, to, data };
  const target = isMined ? BigInt(`0x${work.target}`) : MAX_HASH;
  const txPow = await mine({
    customHash: packageHash(sealed),
    target,
    time: Date.now(),
  });
  return encode(maxTxPow, { version: MAXIMA_VERSION, package: sealed, txPow });
}

async function send(url: string, body: Bytes): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/vnd.minima.maxtxpow" },
    body,
  });
  await response.body?.cancel();
  if (response.ok || response.status >= 500) {
    throw new Error(`the answer is ${response.status}`);
  }
}

/** Milliseconds that this process has computed, workers and all. */
function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
