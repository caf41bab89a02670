/** `restante send`: what is sent, by what work, for how long; keys of all sizes. */
import assert from "node:assert/strict";
import { FakeRelay, problem } from "../client/fake_relay.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { RelayProcess, restante, restanteJson } from "./process.ts";

interface Sent {
  readonly id: string;
  readonly storedAt: number;
  readonly holdUntil: number;
  readonly paid: { readonly hashes: number };
  readonly receipt: string;
}

interface Received {
  readonly application: string;
  readonly text: string | null;
}

const HOUR = 3_600_000;

Deno.test("restante send sends what it is given, for as long as it is told to", async (t) => {
  await using directory = await TempDirectory.make();
  const file = (name: string) => directory.file(name);
  await using relay = await RelayProcess.start(
    "--port",
    "0",
    "--kv",
    ":memory:",
  );
  const identity = ["--identity", file("me.json")];
  const me = ["--relay", relay.url, ...identity];
  await restanteJson("keygen", file("me.json"));
  await restanteJson("read", ...me);
  const { address, publicKey } = await restanteJson<Record<string, string>>(
    "address",
    file("me.json"),
    "--relay",
    relay.url,
  );
  const to = address ?? "";
  const received = async () =>
    (await restanteJson<{ messages: Received[] }>("read", ...me, "--ack"))
      .messages;

  await t.step(
    "--hold in each unit, and a week if it is not said",
    async () => {
      const table: [args: string[], hours: number][] = [
        [[], 168],
        [["--hold", "864000"], 240],
        [["--hold", "864000s"], 240],
        [["--hold", "14400m"], 240],
        [["--hold", "240h"], 240],
        [["--hold", "10d"], 240],
        [["--hold", "1h"], 1],
      ];
      let week = 0;
      for (const [args, hours] of table) {
        const sent = await restanteJson<Sent>(
          "send",
          to,
          "x",
          ...identity,
          ...args,
        );
        const held = sent.holdUntil - sent.storedAt;
        assert.ok(held >= hours * HOUR, `${args} holds ${held / HOUR} h`);
        week ||= sent.paid.hashes;
        // An hour costs the least that there is.
        const expected = hours === 1 ? 0.3 : hours / 168;
        const ratio = sent.paid.hashes / week;
        assert.ok(Math.abs(ratio - expected) < 0.1, `${args}: ${ratio}`);
      }
      await received();
    },
  );

  await t.step(
    "a text, a file, or standard input, for an application",
    async () => {
      await Deno.writeTextFile(file("text"), "from a file");
      await restanteJson("send", to, "a text", ...identity);
      await restanteJson("send", to, "--file", file("text"), ...identity);
      const piped = await restante(
        ["send", to, "--file", "-", "--application", "mail", ...identity],
        new TextEncoder().encode("piped"),
      );
      assert.equal(piped.code, 0, piped.stderr);
      assert.deepEqual(
        (await received()).map(({ text, application }) => [text, application]),
        [
          ["a text", "restante"],
          ["from a file", "restante"],
          ["piped", "mail"],
        ],
      );
    },
  );

  await t.step("to a key, at the relay that is given", async () => {
    await restanteJson("send", publicKey ?? "", "to a key", ...me);
    // The relay that is given goes before that of the address.
    const elsewhere = to.replace(/@.*/, "@127.0.0.1:1");
    await restanteJson("send", elsewhere, "to an address", ...me);
    assert.deepEqual(
      (await received()).map(({ text }) => text),
      ["to a key", "to an address"],
    );
  });

  await t.step(
    "it says until when it is held, and by what it was paid",
    async () => {
      const { stdout } = await restante(["send", to, "x", ...identity]);
      const [, id, until, hashes, receipt] =
        /^message {2}([0-9a-f]{64})\nheld {5}until (\S+Z), paid by (\d+) hashes\nreceipt {2}(\S+)\n$/
          .exec(stdout) ?? [];
      const verified = await restante([
        "verify-receipt",
        receipt ?? "",
        "--relay",
        relay.url,
      ]);
      const said = new Map(
        verified.stdout.trim().split("\n").map((line) => {
          const [name = "", ...rest] = line.split(/ +/);
          return [name, rest.join(" ")];
        }),
      );
      const { iss, jti, sub, object, size, iat, exp, paid } =
        (await restanteJson<
          { receipt: Record<string, string | number> & { paid: unknown } }
        >("verify-receipt", receipt ?? "", "--relay", relay.url)).receipt;
      const time = (seconds: unknown) =>
        new Date(1_000 * Number(seconds)).toISOString();
      assert.deepEqual(Object.fromEntries(said), {
        valid: "",
        relay: iss,
        message: id,
        mailbox: sub,
        object: `${object}, ${size} bytes`,
        stored: `${time(iat)}, held until ${time(exp)}`,
        paid: `by ${hashes} hashes`,
      });
      assert.deepEqual([jti, paid], [id, {
        by: "work",
        hashes: Number(hashes),
      }]);
      assert.ok(
        Math.abs(Date.parse(until ?? "") - 1_000 * Number(exp)) < 1_000,
      );
    },
  );

  await t.step("not two things, and not nothing", async () => {
    const table: [args: string[], stderr: RegExp][] = [
      [
        ["x", "--file", file("text")],
        /a text or --file, not both \(usage\)\n$/,
      ],
      [[], /^error: nothing to send: give a text or --file \(usage\)\n$/],
      [["x", "--max-hashes", "1"], /\(price-too-high\)\n$/],
    ];
    for (const [args, expected] of table) {
      const { code, stderr } = await restante([
        "send",
        to,
        ...args,
        ...identity,
      ]);
      assert.equal(code, 1);
      assert.match(stderr, expected);
    }
  });
});

Deno.test("send asks the relay that is given, or remembered, whose a name is", async () => {
  await using directory = await TempDirectory.make();
  const home = directory.file("home");
  await using relay = new FakeRelay(() =>
    problem(404, { code: "name-unknown", detail: "nobody" })
  );
  const refused = async (...args: string[]) => {
    relay.asked.length = 0;
    const finished = await restante(
      ["send", "alice", "x", ...args],
      undefined,
      {
        RESTANTE_HOME: home,
      },
    );
    assert.equal(finished.code, 1);
    return finished.stderr;
  };
  assert.match(await refused("--relay", relay.url), /\(name-unknown\)\n$/);
  assert.deepEqual(relay.asked, ["GET /v1/names/alice"]);
  assert.match(await refused(), /\(address-invalid\)\n$/);
  assert.deepEqual(relay.asked, []);
  await Deno.mkdir(home);
  await Deno.writeTextFile(
    `${home}/config.json`,
    JSON.stringify({ relay: relay.url, identity: "/nowhere" }),
  );
  assert.match(await refused(), /\(name-unknown\)\n$/);
  assert.deepEqual(relay.asked, ["GET /v1/names/alice"]);
});

/** DER bytes of the public key in an identity file, as keygen tells it. */
interface Made {
  readonly publicKey: string;
  readonly mailbox: string;
}

Deno.test("keygen --bits makes keys of a size, and warns of all but the usual", async () => {
  await using directory = await TempDirectory.make();
  const file = (name: string) => directory.file(name);
  const table: [args: string[], bytes: number, warning: RegExp | null][] = [
    [[], 226, null],
    [["--bits", "1536"], 226, null],
    [["--bits", "1024"], 162, /a key of 1024 bits is weak: new ones have 1536/],
    [["--bits", "2048"], 294, /genuine Minima nodes keep no contact whose key/],
  ];
  for (const [i, [args, bytes, warning]] of table.entries()) {
    const made = await restante([
      "keygen",
      ...args,
      "--json",
      file(`${i}.json`),
    ]);
    assert.equal(made.code, 0, made.stderr);
    const { publicKey } = JSON.parse(made.stdout) as Made;
    assert.equal(publicKey.length, 2 * bytes);
    if (warning === null) assert.equal(made.stderr, "");
    else assert.match(JSON.parse(made.stderr).warning, warning);
    const { privateKey } = JSON.parse(
      await Deno.readTextFile(file(`${i}.json`)),
    );
    await Deno.writeTextFile(file(`${i}.hex`), privateKey);
    const again = file(`${i}.again.json`);
    const imported = await restante([
      "keygen",
      "--import",
      file(`${i}.hex`),
      again,
    ]);
    assert.equal(imported.code, 0);
    assert.match(imported.stderr, warning ?? /^$/);
    if (warning !== null) assert.match(imported.stderr, /^warning: .*\n$/);
  }
});

Deno.test("keygen --force overwrites the file", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("me.json");
  const first = await restanteJson<Made>("keygen", file);
  const second = await restanteJson<Made>("keygen", "--force", file);
  assert.notEqual(first.mailbox, second.mailbox);
  const { mailbox } = await restanteJson<Made>(
    "address",
    file,
    "--relay",
    "http://127.0.0.1:1",
  );
  assert.equal(mailbox, second.mailbox);
});

Deno.test("init --bits makes the identity of that size; one that is there is kept", async () => {
  await using directory = await TempDirectory.make();
  await using relay = await RelayProcess.start(
    "--port",
    "0",
    "--kv",
    ":memory:",
  );
  const init = async (...args: string[]) => {
    const finished = await restante(
      ["init", "--relay", relay.url, ...args],
      undefined,
      { RESTANTE_HOME: directory.file("home") },
    );
    assert.equal(finished.code, 0, finished.stderr);
    return finished;
  };
  const bytes = async () => {
    const address = await restanteJson<Made>(
      "address",
      directory.file("home/identity.json"),
      "--relay",
      relay.url,
    );
    return address.publicKey.length / 2;
  };
  const made = await init("--bits", "1024");
  assert.match(made.stderr, /^warning: a key of 1024 bits is weak/);
  assert.equal(await bytes(), 162);
  const kept = await init("--bits", "2048", "--force");
  assert.match(kept.stderr, /^warning: the identity in .* is kept: --bits is /);
  assert.equal(await bytes(), 162);
  await Deno.remove(directory.file("home"), { recursive: true });
  assert.equal((await init()).stderr, "");
  assert.equal(await bytes(), 226);
});
