/** Letters that were written to somebody else, and devices that read. */
import assert from "node:assert/strict";
import { mineEnvelope } from "../../client/envelope.ts";
import {
  type Identity,
  makeIdentity,
  parseIdentity,
  Relay,
} from "../../client/mod.ts";
import { encode } from "../../lib/minima/codec.ts";
import { maximaPackage } from "../../lib/minima/maxima.ts";
import { decrypt, encrypt, seal } from "../../lib/seal/maxima.ts";
import { FakeRelay } from "../client/fake_relay.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { RelayProcess, restante, restanteJson } from "./process.ts";

/** A letter that one wrote to another, as the other seals it to a third. */
async function passOn(
  relay: Relay,
  from: Identity,
  by: Identity,
  to: Identity,
): Promise<() => Promise<void>> {
  const sealed = await seal({
    to: by.key.publicKey,
    from: from.key,
    application: "test",
    data: new TextEncoder().encode("you are fired"),
    time: Date.now(),
  });
  const letter = await decrypt(sealed.data, by.key);
  return async () => {
    const target = to.key.publicKey;
    const data = await encrypt(target, letter);
    const passed = { ...sealed, to: target, data };
    const size = encode(maximaPackage, passed).length + 512;
    const { target: work } = await relay.quote(size, 3_600);
    await relay.postMessage(await mineEnvelope(passed, { target: work }));
  };
}

Deno.test("a letter that Mallory seals to Bob but Alice wrote to Mallory is not shown as from Alice, and once", async () => {
  await using directory = await TempDirectory.make();
  await using process = await RelayProcess.start(
    "--port",
    "0",
    "--kv",
    ":memory:",
  );
  const file = directory.file("bob.json");
  await restanteJson("keygen", file);
  const bob = await parseIdentity(await Deno.readTextFile(file));
  const [alice, mallory] = [
    await makeIdentity(1_024),
    await makeIdentity(1_024),
  ];
  const me = ["--relay", process.url, "--identity", file];
  await restanteJson("read", ...me);
  const post = await passOn(new Relay(process.url), alice, mallory, bob);
  await post();
  await post();

  const [from, to] = [alice, mallory].map(({ key }) => key.publicKey.toHex());
  const { stdout } = await restante(["read", ...me]);
  const [first = "", second = "", ...others] = stdout.split(/^(?=--- )/m);
  assert.deepEqual(others, []);
  assert.match(
    first,
    new RegExp(
      `^--- .*\nforwarded: written by ${from} to ${to}, passed on by somebody\n`,
    ),
  );
  assert.match(first, /\n\| you are fired\n/);
  assert.match(second, /^--- .*\n\(duplicate\)\n\n$/);
  assert.doesNotMatch(stdout, /^from/m);

  const { messages } = await restanteJson<
    { messages: Record<string, unknown>[] }
  >("read", ...me);
  const [letter, again] = messages;
  assert.deepEqual(
    [
      letter?.["from"],
      letter?.["writtenBy"],
      letter?.["to"],
      letter?.["isForwarded"],
    ],
    [null, from, to, true],
  );
  assert.equal(again?.["failure"], "duplicate");
});

Deno.test("a letter to me names me, and is not forwarded", async () => {
  await using directory = await TempDirectory.make();
  await using process = await RelayProcess.start(
    "--port",
    "0",
    "--kv",
    ":memory:",
  );
  const file = directory.file("me.json");
  const { publicKey = "" } = await restanteJson<Record<string, string>>(
    "keygen",
    file,
  );
  const me = ["--relay", process.url, "--identity", file];
  await restanteJson("read", ...me);
  await restanteJson("send", publicKey, "hello", ...me);
  const { messages: [letter] } = await restanteJson<
    { messages: Record<string, unknown>[] }
  >("read", ...me);
  assert.deepEqual(
    [letter?.["from"], letter?.["to"], letter?.["isForwarded"]],
    [publicKey, publicKey, false],
  );
});

Deno.test("read names its device to the relay: --reader, or that of --ack", async () => {
  await using directory = await TempDirectory.make();
  let target = "";
  let acked: string | null = null;
  await using way = new FakeRelay(async (request) => {
    const { pathname, search } = new URL(request.url);
    const body = await request.bytes();
    if (pathname.endsWith("/ack")) {
      acked = JSON.parse(new TextDecoder().decode(body)).reader;
    }
    const answer = await fetch(target + pathname + search, {
      method: request.method,
      headers: request.headers,
      body: request.method === "GET" ? null : body,
    });
    return new Response(await answer.bytes(), answer);
  });
  await using process = await RelayProcess.start(
    "--port",
    "0",
    "--kv",
    ":memory:",
    "--url",
    way.url,
  );
  target = process.url;
  const file = directory.file("me.json");
  await restanteJson("keygen", file);
  const table: [args: string[], reader: string | null, acked: string | null][] =
    [
      [[], null, null],
      [["--ack"], null, "default"],
      [["--reader", "phone"], "phone", null],
      [["--ack", "phone"], "phone", "phone"],
      [["--reader", "phone", "--ack"], "phone", "phone"],
      [["--reader", "phone", "--ack", "phone"], "phone", "phone"],
    ];
  for (const [args, reader, ackedBy] of table) {
    acked = null;
    way.asked.length = 0;
    await restanteJson("read", "--relay", way.url, "--identity", file, ...args);
    const lists = way.asked.filter((asked) => /^GET .*\/messages/.test(asked));
    assert.equal(lists.length, 1, args.join(" "));
    const [, search = ""] = lists[0]?.split("?") ?? [];
    assert.equal(new URLSearchParams(search).get("reader"), reader);
    assert.equal(acked, ackedBy, args.join(" "));
  }
});
