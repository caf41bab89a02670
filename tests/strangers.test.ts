/** What strangers did to end a relay's process, done to a real one. */
import assert from "node:assert/strict";
import { readHead, RelayProcess, write } from "./relay_process.ts";

const MAILBOX = "0".repeat(64);
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** The head of a request for a socket. */
function upgradeHead(
  token: string,
  query: string,
  fields: readonly string[] = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${KEY}`,
  ],
  version = "1.1",
): string {
  return [
    `GET /v1/mailboxes/${MAILBOX}/socket${query} HTTP/${version}`,
    "Host: relay",
    `Authorization: Bearer ${token}`,
    ...fields,
    "",
    "",
  ].join("\r\n");
}

Deno.test("a bad request for a WebSocket does not end the relay", async (t) => {
  await using relay = await RelayProcess.start();
  const token = await relay.token();
  const queries = [
    "?delivery=x",
    "?delivery=link&bandwidth=1",
    "?delivery=",
    "?bandwidth=x",
    "?bandwidth=1e9",
    "?after=x",
    "?reader=a%20b",
    "?reader=" + "a".repeat(65),
  ];
  for (const query of queries) {
    await t.step(query.slice(0, 40), async () => {
      using connection = await relay.connect();
      await write(connection, upgradeHead(token, query));
      assert.match(await readHead(connection), /^HTTP\/1\.1 400 /);
      await relay.assertAlive();
    });
  }
  const upgrading = ["Connection: Upgrade", "Upgrade: websocket"];
  const good = "Sec-WebSocket-Version: 13";
  const heads: Record<string, readonly string[]> = {
    "no key": [...upgrading, good],
    "a short key": [...upgrading, good, "Sec-WebSocket-Key: YQ=="],
    "a garbled key": [...upgrading, good, "Sec-WebSocket-Key: \x80\x81"],
    "no version": [...upgrading, `Sec-WebSocket-Key: ${KEY}`],
    "version 8": [
      ...upgrading,
      `Sec-WebSocket-Key: ${KEY}`,
      "Sec-WebSocket-Version: 8",
    ],
    "no Connection": ["Upgrade: websocket", good, `Sec-WebSocket-Key: ${KEY}`],
    "another upgrade": [
      "Connection: Upgrade",
      "Upgrade: h2c",
      good,
      `Sec-WebSocket-Key: ${KEY}`,
    ],
  };
  for (const [name, fields] of Object.entries(heads)) {
    await t.step(name, async () => {
      using connection = await relay.connect();
      await write(connection, upgradeHead(token, "", fields));
      assert.match(await readHead(connection), /^HTTP\/1\.1 400 /);
      await relay.assertAlive();
    });
  }
  await t.step("HTTP/1.0, of which Deno tells nothing", async () => {
    using connection = await relay.connect();
    await write(connection, upgradeHead(token, "", undefined, "1.0"));
    assert.match(await readHead(connection), /^HTTP\/1\.[01] (101|400) /);
    await relay.assertAlive();
  });
  await t.step("and a good one is upgraded", async () => {
    using connection = await relay.connect();
    await write(connection, upgradeHead(token, "?reader=phone"));
    assert.match(await readHead(connection), /^HTTP\/1\.1 101 /);
  });
});

Deno.test("1,100 idle connections at a limit of 1,024 descriptors do not end the relay", async () => {
  await using relay = await RelayProcess.start({ descriptors: 1_024 });
  const idle: Deno.TcpConn[] = [];
  try {
    for (let i = 0; i < 1_100; i++) idle.push(await relay.connect());
    // They are not even in the way: those that idle longest make room.
    await relay.assertAlive();
    assert.ok(relay.descriptors() < 1_000);
  } finally {
    for (const connection of idle) connection.close();
  }
  await relay.assertAlive();
});

Deno.test("clients that leave before they are upgraded leave no descriptor behind", async () => {
  await using relay = await RelayProcess.start();
  const token = await relay.token();
  await relay.assertAlive();
  const before = relay.descriptors();
  for (let i = 0; i < 200; i++) {
    const connection = await relay.connect();
    await write(connection, upgradeHead(token, ""));
    connection.close();
  }
  await relay.assertAlive();
  // Some may leave in the very moment of the upgrade: those are few.
  for (let tries = 0; relay.descriptors() > before + 20; tries++) {
    assert.ok(tries < 100, `${relay.descriptors() - before} are held`);
    await relay.assertAlive();
  }
});

Deno.test("a relay whose server ends unasked says so, and exits with 1", async () => {
  await using relay = await RelayProcess.start({
    main: "tests/ended_relay.ts",
  });
  await relay.assertAlive();
  Deno.kill(relay.pid, "SIGUSR1");
  assert.equal((await relay.status).code, 1);
  assert.match(await relay.errors, /ServerEndedError/);
});

Deno.test("a failure that nobody waited for does not end the relay", async () => {
  await using relay = await RelayProcess.start({
    main: "tests/failing_relay.ts",
  });
  Deno.kill(relay.pid, "SIGUSR1");
  // The request is read after the signal: its answer shows that it went on.
  await relay.assertAlive();
  await relay.assertAlive();
  Deno.kill(relay.pid, "SIGTERM");
  assert.equal((await relay.status).code, 0);
  const errors = await relay.errors;
  assert.match(errors, /a rejection of the test/);
  assert.match(errors, /an error of the test/);
});

Deno.test("a relay that is told twice to stop waits for nobody", async () => {
  await using relay = await RelayProcess.start();
  using connection = await relay.connect();
  const head = [
    "POST /v1/messages HTTP/1.1",
    "Host: relay",
    "Content-Type: application/octet-stream",
    "Content-Length: 1000",
    "Expect: 100-continue",
    "",
    "",
  ].join("\r\n");
  await write(connection, head);
  // The relay asks for the body once it reads it: the request is under way.
  assert.match(await readHead(connection), /^HTTP\/1\.1 100 /);
  Deno.kill(relay.pid, "SIGTERM");
  for (let status = 200; status !== 503;) {
    const response = await fetch(`${relay.url}/health`);
    await response.body?.cancel();
    ({ status } = response);
  }
  Deno.kill(relay.pid, "SIGINT");
  assert.equal((await relay.status).code, 1);
});
