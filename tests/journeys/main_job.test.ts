/**
 * The main job, by the real command and the real relay: Alice sends while Bob
 * is away, the relay is killed and started again, Bob proves his key, collects,
 * decrypts and checks who wrote.
 */
import assert from "node:assert/strict";
import { parseIdentity, Relay, RelayError, Session } from "../../client/mod.ts";
import { RelayProcess, restante, restanteJson } from "./process.ts";

interface Made {
  mailbox: string;
  publicKey: string;
}

interface Sent {
  id: string;
  object: string;
  cursor: string;
  size: number;
  holdUntil: number;
  receipt: string;
}

interface Received {
  id: string;
  cursor: string;
  from: string;
  application: string;
  text: string | null;
  data: string;
}

interface ReadResult {
  mailbox: string;
  messages: Received[];
  next: string;
}

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 65_536) {
    crypto.getRandomValues(bytes.subarray(i, i + 65_536));
  }
  return bytes;
}

Deno.test("mail sent while its owner is away survives kill -9 and reaches the owner alone", async (t) => {
  const folder = await Deno.makeTempDir();
  const file = (name: string) => `${folder}/${name}`;
  const text = `Dear Bob, ${"ä𝄞 ".repeat(145)}`.slice(0, 1_000);
  const attachment = randomBytes(200 * 1024);
  await Deno.writeFile(file("attachment"), attachment);

  let relay = await RelayProcess.start("--port", "0", "--kv", file("store.kv"));
  const { url } = relay;
  const port = new URL(url).port;
  const as = (
    name: string,
  ) => ["--relay", url, "--identity", file(`${name}.json`)];

  try {
    const people: Record<string, Made> = {};
    await t.step(
      "everybody makes an identity, the recipients open their mailboxes",
      async () => {
        for (const name of ["alice", "bob", "carol"]) {
          people[name] = await restanteJson<Made>(
            "keygen",
            file(`${name}.json`),
          );
          assert.equal(
            (await Deno.stat(file(`${name}.json`))).mode! & 0o777,
            0o600,
          );
        }
        for (const name of ["bob", "carol"]) {
          const { mailbox, messages } = await restanteJson<ReadResult>(
            "read",
            ...as(name),
          );
          assert.equal(mailbox, people[name]?.mailbox);
          assert.deepEqual(messages, []);
        }
      },
    );

    const sent: Sent[] = [];
    await t.step(
      "Alice sends a text and a file to Bob, and a text to Carol",
      async () => {
        const addresses = new Map<string, string>();
        for (const name of ["bob", "carol"]) {
          const { address } = await restanteJson<{ address: string }>(
            "address",
            file(`${name}.json`),
            "--relay",
            url,
          );
          addresses.set(name, address);
        }
        const from = ["--identity", file("alice.json")];
        const bob = addresses.get("bob") ?? "";
        sent.push(await restanteJson<Sent>("send", bob, text, ...from));
        sent.push(
          await restanteJson<Sent>(
            "send",
            bob,
            "--file",
            file("attachment"),
            "--hold",
            "1h",
            ...from,
          ),
        );
        sent.push(
          await restanteJson<Sent>(
            "send",
            addresses.get("carol") ?? "",
            "only for Carol",
            ...from,
          ),
        );
      },
    );

    await t.step(
      "the relay is killed and started again on the same store",
      async () => {
        await relay.end("SIGKILL");
        relay = await RelayProcess.start(
          "--port",
          port,
          "--kv",
          file("store.kv"),
        );
        assert.equal(relay.url, url);
      },
    );

    await t.step(
      "every receipt still verifies and says what was stored",
      async () => {
        for (const { id, object, size, cursor, receipt } of sent) {
          const said = await restanteJson<
            { valid: boolean; receipt: Record<string, unknown> }
          >(
            "verify-receipt",
            receipt,
            "--relay",
            url,
          );
          assert.equal(said.valid, true);
          const { jti, ...facts } = said.receipt;
          assert.deepEqual([
            jti,
            facts["object"],
            facts["size"],
            facts["cursor"],
          ], [id, object, size, cursor]);
        }
      },
    );

    await t.step(
      "Bob collects both, in order, signed by Alice, byte for byte",
      async () => {
        const { messages } = await restanteJson<ReadResult>(
          "read",
          ...as("bob"),
          "--save",
          file("inbox"),
        );
        assert.deepEqual(
          messages.map(({ id }) => id),
          sent.slice(0, 2).map(({ id }) => id),
        );
        for (const { from } of messages) {
          assert.equal(from, people["alice"]?.publicKey);
        }
        assert.equal(messages[0]?.text, text);
        assert.equal(messages[1]?.text, null);
        assert.deepEqual(
          await Deno.readFile(file(`inbox/${sent[1]?.id}`)),
          attachment,
        );
        assert.deepEqual(
          Uint8Array.fromBase64(messages[1]?.data ?? "", {
            alphabet: "base64url",
          }),
          attachment,
        );
      },
    );

    await t.step(
      "from a cursor on there is only what is behind it",
      async () => {
        const { messages } = await restanteJson<ReadResult>(
          "read",
          ...as("bob"),
          "--after",
          sent[0]?.cursor ?? "",
        );
        assert.deepEqual(messages.map(({ id }) => id), [sent[1]?.id]);
      },
    );

    await t.step(
      "Carol has her own mail only, and is refused at Bob's mailbox",
      async () => {
        const { messages } = await restanteJson<ReadResult>(
          "read",
          ...as("carol"),
        );
        assert.deepEqual(messages.map(({ text }) => text), ["only for Carol"]);
        const carol = await parseIdentity(
          await Deno.readTextFile(file("carol.json")),
        );
        const session = new Session(new Relay(url), carol);
        const refused = {
          name: RelayError.name,
          code: "forbidden",
          status: 403,
        };
        const mailbox = people["bob"]?.mailbox;
        await assert.rejects(
          session.fetch(`/v1/mailboxes/${mailbox}/messages`),
          refused,
        );
        const hidden = {
          name: RelayError.name,
          code: "object-unknown",
          status: 404,
        };
        await assert.rejects(
          session.fetch(`/v1/objects/${sent[0]?.object}`),
          hidden,
        );
      },
    );

    await t.step(
      "what Bob acknowledged is gone, also after another restart",
      async () => {
        await restanteJson("read", ...as("bob"), "--ack");
        assert.equal(await relay.end("SIGTERM"), 0);
        relay = await RelayProcess.start(
          "--port",
          port,
          "--kv",
          file("store.kv"),
        );
        assert.deepEqual(
          (await restanteJson<ReadResult>("read", ...as("bob"))).messages,
          [],
        );
      },
    );

    await t.step(
      "failures are one plain sentence on standard error, and not exit code 0",
      async () => {
        const nobody = people["alice"]?.publicKey ?? "";
        const cases: [string[], RegExp][] = [
          [
            ["send", nobody, "hello", ...as("bob")],
            /^error: nobody has opened mailbox [0-9a-f]{64} here \(mailbox-unknown\)\n$/,
          ],
          [
            ["send", "Mx0", "hello", ...as("bob")],
            /^error: not an address: .*checksum|leading 01.* \(address-invalid\)\n$/,
          ],
          [[
            "read",
            "--relay",
            "http://127.0.0.1:1",
            "--identity",
            file("bob.json"),
          ], /\(relay-unreachable\)\n$/],
          [
            ["read", "--relay", url, "--identity", file("attachment")],
            /\(identity-invalid\)\n$/,
          ],
          [
            ["keygen", file("bob.json")],
            /bob.json is there already; --force overwrites it \(file-exists\)\n$/,
          ],
          [
            ["read", ...as("bob"), "--after", "yesterday"],
            /"yesterday" is not a cursor \(malformed\)\n$/,
          ],
          [
            ["verify-receipt", "a.b.c", "--relay", url],
            /\(receipt-invalid\)\n$/,
          ],
        ];
        for (const [args, expected] of cases) {
          const { code, stdout, stderr } = await restante(args);
          assert.match(stderr, expected);
          assert.equal(stdout, "");
          assert.notEqual(code, 0);
        }
      },
    );
  } finally {
    await relay[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  }
});
