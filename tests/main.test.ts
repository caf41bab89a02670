/** Starting and stopping a relay, in this process and as one of its own. */
import assert from "node:assert/strict";
import type { Config } from "../config.ts";
import { completeHandshake, findMailbox } from "../kv/mail/mailboxes.ts";
import { loadRelayKeys, RelayKeyError } from "../kv/relay_keys.ts";
import { openStore, type Store } from "../kv/store/store.ts";
import type { Bytes } from "../lib/bytes.ts";
import { mailboxIdOf } from "../lib/ids.ts";
import { LineLog } from "../lib/log.ts";
import { parseContactAddress } from "../lib/minima/address.ts";
import { generateRsaKey } from "../lib/seal/rsa.ts";
import { generateSigningKey, importSigningKey } from "../lib/signing_key.ts";
import { issueToken } from "../lib/token.ts";
import { startRelay } from "../start_relay.ts";
import { readExposition, valueOf } from "./exposition.ts";
import { ManualClock } from "./manual_clock.ts";
import { TempDirectory } from "./kv/temp_directory.ts";
import { HOUR } from "./routes/clock.ts";
import { envelopeBytes } from "./routes/envelopes.ts";
import { freshKey } from "./routes/owner.ts";
import { configOf, listen } from "./routes/listening_relay.ts";
import { setTimeout as delay } from "node:timers/promises";
import { sharedPkcs8 } from "./routes/shared_keys.ts";
import { send, unreadRequests } from "./unread_requests.ts";

// deno-lint-ignore no-explicit-any -- whatever members a test looks at
async function getJson(url: string): Promise<any> {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  return await response.json();
}

Deno.test("startRelay() listens on a free port, and is known by it", async () => {
  await using relay = await listen();
  assert.match(relay.listening, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(relay.url, relay.listening);
  const descriptor = await getJson(`${relay.url}/.well-known/restante`);
  assert.equal(descriptor.url, relay.url);
  assert.equal(descriptor.address, relay.address);
  const { host, port, publicKey } = parseContactAddress(relay.address);
  assert.equal(`http://${host}:${port}`, relay.listening);
  assert.equal(publicKey.toHex(), descriptor.keys.maxima);
});

Deno.test("startRelay() has those wait who ask as soon as it listens", async () => {
  const { port } = freePort();
  const url = `http://127.0.0.1:${port}/.well-known/restante`;
  using app = holdApp();
  const starting = listen(":memory:", undefined, { port });
  await app.begun; // it listens by then
  const asked = fetch(url);
  // Time enough for an answer, if there were one already.
  for (let turns = 0; turns < 20; turns++) await delay(1);
  app.release();
  const answer = await asked;
  assert.equal(answer.status, 200);
  assert.equal((await answer.json()).url, `http://127.0.0.1:${port}`);
  await using _relay = await starting;
});

/** Holds up the app of a relay that starts: its handshakes need a secret. */
function holdApp() {
  const { subtle } = crypto;
  const { deriveKey: derive } = subtle;
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  subtle.deriveKey = async (...args: Parameters<typeof derive>) => {
    begun.resolve();
    await released.promise;
    return await derive.apply(subtle, args);
  };
  return {
    begun: begun.promise,
    release: released.resolve,
    [Symbol.dispose]: () => void (subtle.deriveKey = derive),
  };
}

/** A port that nobody listens on just now. */
function freePort(): { readonly port: number } {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return { port: listener.addr.port };
}

Deno.test("startRelay() is known by the URL that it is told", async () => {
  const url = "https://relay.test";
  await using relay = await listen(":memory:", undefined, { url });
  assert.equal(relay.url, url);
  const descriptor = await getJson(`${relay.listening}/.well-known/restante`);
  assert.equal(descriptor.url, url);
  assert.match(descriptor.address, /@relay\.test:443$/);
  const document = await getJson(`${relay.listening}/openapi.json`);
  assert.deepEqual(document.servers, [{ url }]);
  const missing = await fetch(`${relay.listening}/missing`);
  assert.equal((await missing.json()).type, `${url}/problems/not-found`);
});

Deno.test("startRelay() takes work as old as it is told to", async (t) => {
  const table: [hours: number, code: string][] = [
    [1, "mailbox-unknown"],
    [3, "work-stale"],
  ];
  for (const [hours, code] of table) {
    await t.step(`${hours} h: ${code}`, async () => {
      await using directory = await TempDirectory.make();
      const file = directory.file("store.kv");
      const to = freshKey();
      await using relay = await listen(file, undefined, { workWindow: 7_200 });
      const { work } = await getJson(`${relay.url}/.well-known/restante`);
      assert.equal(work.windowSeconds, 7_200);
      if (code === "work-stale") {
        using store = await openStore(file);
        await openMailbox(store, to);
      }
      const time = Date.now() - hours * HOUR;
      const response = await fetch(`${relay.url}/v1/messages`, {
        method: "POST",
        headers: { "Content-Type": "application/octet-stream" },
        body: envelopeBytes({ to, time }),
      });
      assert.equal((await response.json()).code, code);
    });
  }
});

Deno.test("startRelay() has the operator's keys, whatever the store", async () => {
  const config = {
    signingKey: await generateSigningKey(),
    maximaKey: await generateRsaKey(2_048),
  };
  const descriptors = [];
  for (let start = 0; start < 2; start++) {
    await using relay = await listen(":memory:", undefined, config);
    const { id, keys } = await getJson(`${relay.url}/.well-known/restante`);
    descriptors.push({ id, keys });
  }
  assert.deepEqual(descriptors[0], descriptors[1]);
  using store = await openStore(":memory:");
  const { signing, maxima } = await loadRelayKeys(store, {
    signing: config.signingKey,
    maxima: config.maximaKey,
  });
  assert.deepEqual(descriptors[0], {
    id: signing.relayId,
    keys: {
      maxima: maxima.publicKey.toHex(),
      signing: signing.jwk,
      former: [],
    },
  });
});

Deno.test("startRelay() on the same file is the same relay", async () => {
  await using directory = await TempDirectory.make();
  const ids: string[] = [];
  for (let start = 0; start < 2; start++) {
    const file = directory.file("a", "store.kv");
    await using relay = await listen(file, undefined, {
      signingKey: null,
      maximaKey: null,
    });
    ids.push((await getJson(`${relay.url}/.well-known/restante`)).id);
  }
  assert.equal(ids[0], ids[1]);
});

Deno.test("startRelay() that fails says why and leaves nothing open", async (t) => {
  await using directory = await TempDirectory.make();
  await using other = await listen();
  const { port } = new URL(other.listening);
  const noise = new Uint8Array(9);
  await t.step("the port is taken", async () => {
    const config = configOf(directory.file("a.kv"), { port: Number(port) });
    await assert.rejects(startRelay(config), Deno.errors.AddrInUse);
  });
  await t.step("the store is none", async () => {
    await Deno.writeTextFile(directory.file("b.kv"), "text ".repeat(999));
    await assert.rejects(startRelay(configOf(directory.file("b.kv"))));
  });
  for (const name of ["signingKey", "maximaKey"]) {
    await t.step(`the ${name} is none`, async () => {
      const config = configOf(directory.file("c.kv"), { [name]: noise });
      await assert.rejects(startRelay(config), RelayKeyError);
    });
  }
  await t.step("the Maxima key is too small", async () => {
    const maximaKey = await generateRsaKey(1_024);
    const config = configOf(directory.file("d.kv"), { maximaKey });
    await assert.rejects(startRelay(config), RelayKeyError);
  });
});

Deno.test("stop() does not wait for ever for an upload that stands still", async () => {
  const relay = await listen();
  const { hostname, port } = new URL(relay.listening);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const head = [
    "POST /v1/messages HTTP/1.1",
    `Host: ${hostname}`,
    "Content-Type: application/octet-stream",
    "Content-Length: 1000",
    "",
    "abc",
  ].join("\r\n");
  await connection.write(new TextEncoder().encode(head));
  // A request that was sent later has been answered: that one is under way.
  await (await fetch(`${relay.listening}/health`)).body?.cancel();
  await relay.stop();
  const end = await connection.read(new Uint8Array(1)).catch(() => null);
  assert.equal(end, null, "it is cut off");
  await assert.rejects(fetch(relay.listening));
});

Deno.test("stop() lets a request under way end, and then answers no more", async () => {
  const relay = await listen();
  const { hostname, port } = new URL(relay.listening);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const body = '{"bytes":1500,"seconds":3600}';
  const head = [
    "POST /v1/quotes HTTP/1.1",
    `Host: ${hostname}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "Expect: 100-continue",
    "Connection: close",
    "",
    "",
  ].join("\r\n");
  const answer = connection.readable.pipeThrough(new TextDecoderStream())
    .getReader();
  const writer = connection.writable.getWriter();
  const utf8 = new TextEncoder();
  await writer.write(utf8.encode(head));
  // The relay asks for the body once it reads it: the request is under way.
  const first = await answer.read();
  assert.match(first.value ?? "", /^HTTP\/1\.1 100 /);
  const stopped = relay.stop();
  await writer.write(utf8.encode(body));
  let text = "";
  for (let part = await answer.read(); !part.done; part = await answer.read()) {
    text += part.value;
  }
  assert.match(text, /^HTTP\/1\.1 200 /);
  await stopped;
  await relay.finished;
  await assert.rejects(fetch(relay.listening));
});

Deno.test("startRelay() tells the store who reads every five minutes, and once more when it stops", async (t) => {
  const { signing, maxima } = await sharedPkcs8();
  const key = await importSigningKey(signing);
  for (
    const [when, minutes] of [["by the clock", 5], ["at the end", 0]] as const
  ) {
    await t.step(when, async () => {
      await using directory = await TempDirectory.make();
      const kv = directory.file("store.kv");
      const publicKey = freshKey();
      const mailbox = mailboxIdOf(publicKey);
      {
        using store = await openStore(kv);
        await openMailbox(store, publicKey);
      }
      const clock = new ManualClock(Date.now());
      const relay = await startRelay(
        configOf(kv, { signingKey: signing, maximaKey: maxima }),
        clock,
        new LineLog({
          write() {},
          format: "json",
          level: "error",
          now: clock.now,
        }),
      );
      const grant = { mailbox, scopes: ["read"] as const, jkt: null };
      const { token } = await issueToken(key, grant, clock.now());
      const page = await fetch(
        `${relay.url}/v1/mailboxes/${mailbox}/messages`,
        {
          headers: { Authorization: `Bearer ${token}` },
        },
      );
      assert.equal(page.status, 200);
      await page.body?.cancel();
      using store = await openStore(kv);
      const isUsed = async () =>
        (await findMailbox(store, mailbox))?.usedAt !== undefined;
      clock.advance(5 * 60_000 - 1);
      await getJson(`${relay.url}/health`);
      assert.equal(await isUsed(), false, "reading does not write");
      if (minutes === 0) await relay.stop();
      else {
        clock.advance(1);
        while (!await isUsed()) await getJson(`${relay.url}/health`);
        await relay.stop();
      }
      assert.equal(await isUsed(), true);
      assert.equal(clock.timers, 0, "it leaves no timer");
    });
  }
});

Deno.test("stop() waits a second for answers that nobody takes, and then for them no more", async () => {
  const { signing, maxima } = await sharedPkcs8();
  const clock = new ManualClock(Date.now());
  const drained = Promise.withResolvers<void>();
  const write = (line: string) => {
    if (JSON.parse(line).event === "drain") drained.resolve();
  };
  const config = { signingKey: signing, maximaKey: maxima };
  const relay = await startRelay(
    configOf(":memory:", config),
    clock,
    new LineLog({ write, format: "json", level: "info", now: clock.now }),
  );
  const { hostname, port } = new URL(relay.listening);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await send(connection, unreadRequests("/docs/swagger-ui-bundle.js", 1));
  // Its settings, and then the head of the answer: that is given.
  const { backlog } = relay.use;
  while (backlog.bytes === 0) await getJson(`${relay.listening}/health`);
  let isStopped = false;
  const stopped = relay.stop().then(() => isStopped = true);
  await drained.promise;
  await getNothing(relay.listening);
  clock.advance(999);
  await getNothing(relay.listening);
  assert.equal(isStopped, false);
  clock.advance(1);
  for (let turn = 0; turn < 100 && !isStopped; turn++) {
    await getNothing(relay.listening);
  }
  assert.equal(isStopped, true);
  await stopped;
});

/** Asks one that listens no more. */
async function getNothing(url: string): Promise<void> {
  await assert.rejects(fetch(url));
}

Deno.test("startRelay() takes the word of the proxies that it is told to trust, and of no others", async () => {
  for (const trustedProxies of [0, 1]) {
    const changes = { trustedProxies, addressRate: 1 };
    await using relay = await listen(":memory:", undefined, changes);
    const statuses = [];
    for (const client of ["192.0.2.1", "192.0.2.2"]) {
      const headers = { "X-Forwarded-For": client };
      const response = await fetch(`${relay.url}/docs`, { headers });
      await response.body?.cancel();
      statuses.push(response.status);
    }
    assert.deepEqual(statuses, [200, trustedProxies === 0 ? 429 : 200]);
  }
});

Deno.test("a relay that is stopped as soon as it was started warns of nothing", async () => {
  const { signing, maxima } = await sharedPkcs8();
  const events: string[] = [];
  const config = { signingKey: signing, maximaKey: maxima };
  const log = new LineLog({
    write: (line) => events.push(JSON.parse(line).event),
    format: "json",
    level: "debug",
    now: Date.now,
  });
  const relay = await startRelay(configOf(":memory:", config), undefined, log);
  await relay.stop();
  assert.deepEqual(events, ["start", "stop", "drain", "stopped"]);
});

Deno.test("startRelay() warns of a host that others reach where nothing says by which URL", async (t) => {
  const table: [host: string, url: string | null, warnings: number][] = [
    ["127.0.0.1", null, 0],
    ["localhost", null, 0],
    ["0.0.0.0", null, 1],
    ["0.0.0.0", "https://relay.test", 0],
  ];
  const { signing, maxima } = await sharedPkcs8();
  for (const [host, url, warnings] of table) {
    await t.step(`${host}, ${url}`, async () => {
      let warned = 0;
      const write = (line: string) => {
        if (JSON.parse(line).event === "configured") warned++;
      };
      const log = new LineLog({
        write,
        format: "json",
        level: "warn",
        now: Date.now,
      });
      const keys = { signingKey: signing, maximaKey: maxima };
      const config = configOf(":memory:", { ...keys, host, url });
      const relay = await startRelay(config, undefined, log);
      await relay.stop();
      assert.equal(warned, warnings);
    });
  }
});

Deno.test("startRelay() that fails once it listens gives its port back", async () => {
  const { signing, maxima } = await sharedPkcs8();
  const free = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = free.addr;
  free.close();
  const config = configOf(":memory:", {
    port,
    signingKey: signing,
    maximaKey: maxima,
  });
  const clock = new ManualClock(Date.now());
  const log = new LineLog({
    write() {
      throw new TypeError("nobody reads it");
    },
    format: "json",
    level: "info",
    now: clock.now,
  });
  await assert.rejects(startRelay(config, clock, log), TypeError);
  await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port }));
  assert.equal(clock.timers, 0);
});

Deno.test("startRelay() shows how long ago it swept, and when that was", async () => {
  const { signing, maxima } = await sharedPkcs8();
  const clock = new ManualClock(Date.now());
  const log = new LineLog({
    write() {},
    format: "json",
    level: "error",
    now: clock.now,
  });
  const keys = { signingKey: signing, maximaKey: maxima };
  const relay = await startRelay(configOf(":memory:", keys), clock, log);
  const age = async () => {
    const text = await (await fetch(`${relay.listening}/metrics`)).text();
    const name = "restante_sweep_age_seconds";
    return valueOf(readExposition(text), name, {});
  };
  await relay.sweep();
  assert.equal(await age(), 0);
  clock.time += 7_000; // no timer is due
  assert.equal(await age(), 7);
  await relay.sweep();
  assert.equal(await age(), 0);
  await relay.stop();
});

Deno.test("stop() says last what the log had kept back", async () => {
  const { signing, maxima } = await sharedPkcs8();
  const lines: { event: string; repeated?: number }[] = [];
  const log = new LineLog({
    write: (line) => lines.push(JSON.parse(line)),
    format: "json",
    level: "warn",
    now: Date.now,
  });
  const keys = { signingKey: signing, maximaKey: maxima };
  const relay = await startRelay(configOf(":memory:", keys), undefined, log);
  for (let n = 0; n < 3; n++) log.warn("happened");
  await relay.stop();
  assert.deepEqual(lines.map(({ event, repeated }) => [event, repeated]), [
    ["happened", undefined],
    ["happened", 2],
  ]);
});

Deno.test("startRelay() hands its settings on to what they are for", async (t) => {
  const limits = async (relay: { readonly listening: string }) =>
    (await getJson(`${relay.listening}/openapi.json`))["x-limits"];
  const descriptor = (relay: { readonly listening: string }) =>
    getJson(`${relay.listening}/.well-known/restante`);
  const metrics = async (relay: { readonly listening: string }) => {
    const headers = { "X-Forwarded-For": "192.0.2.1" };
    const response = await fetch(`${relay.listening}/metrics`, { headers });
    await response.body?.cancel();
    return response.status;
  };
  type Ask = (relay: { readonly listening: string }) => Promise<unknown>;
  const table: [Partial<Config>, Ask, unknown][] = [
    [{ metrics: "open" }, metrics, 200],
    [{ metrics: "loopback" }, metrics, 404],
    [
      { connections: 7 },
      async (relay) => (await limits(relay)).connections.value,
      7,
    ],
    [
      { tokenRate: 8 },
      async (relay) => (await limits(relay)).tokenRate.value,
      8,
    ],
    [
      { workHashes: 20_000, workBytes: 9, workSeconds: 10 },
      async (relay) => {
        const { hashes, bytes, seconds } = (await descriptor(relay)).work;
        return [hashes, bytes, seconds];
      },
      [20_000, 9, 10],
    ],
    [
      { relayFee: 11, storageFee: 12 },
      async (relay) => (await descriptor(relay)).prices,
      { unit: "μ", relayPer465Bytes: 11, storagePerMiBHour: 12 },
    ],
  ];
  for (const [changes, ask, expected] of table) {
    await t.step(Object.keys(changes).join(", "), async () => {
      await using relay = await listen(":memory:", undefined, changes);
      assert.deepEqual(await ask(relay), expected);
    });
  }
});

Deno.test("startRelay() of two workers on one store holds both to the relay's quota", async () => {
  await using directory = await TempDirectory.make();
  const kv = directory.file("store.kv");
  const to = freshKey();
  {
    using store = await openStore(kv);
    await openMailbox(store, to); // it counts for one
  }
  const quota = { relayMessages: 4 };
  await using one = await listen(kv, undefined, quota);
  await using other = await listen(kv, undefined, quota);
  const post = async ({ url }: { readonly url: string }) => {
    const response = await fetch(`${url}/v1/messages?hold=3600`, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      body: envelopeBytes({ to, time: Date.now(), hashes: 200_000 }),
    });
    const { code } = await response.json();
    return code ?? response.status;
  };
  const outcomes = [];
  for (const worker of [one, other, one, other, one]) {
    outcomes.push(await post(worker));
  }
  assert.deepEqual(outcomes, [201, 201, 201, "relay-full", "relay-full"]);
});

/** Opens a mailbox past the handshake. */
async function openMailbox(
  store: Store,
  publicKey: Bytes,
): Promise<void> {
  const now = Date.now();
  const handshake = { id: "0", expires: now + 60_000, publicKey };
  await completeHandshake(store, handshake, now);
}

const ROOT = new URL("../", import.meta.url);

/** Runs main.ts with these variables of restante and no others. */
function spawnMain(
  variables: Record<string, string>,
  ...flags: readonly string[]
): Deno.ChildProcess {
  const own = ["PORT", "HOST", "KV", "URL", "WORK_WINDOW"];
  const unset = own.map((name) => [
    name === "PORT" ? name : `RESTANTE_${name}`,
    "",
  ]);
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-net",
      "--allow-env",
      "--allow-read",
      "--allow-write",
      ...flags,
      "main.ts",
    ],
    cwd: ROOT,
    env: { ...Object.fromEntries(unset), ...variables, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("main.ts says in one line that it listens, and ends well when it is told to", async () => {
  await using directory = await TempDirectory.make();
  const child = spawnMain({
    PORT: "0",
    RESTANTE_KV: directory.file("store.kv"),
    RESTANTE_LOG: "text",
  });
  const errors = child.stderr.text();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let printed = "";
  while (!printed.includes("\n")) {
    const { done, value } = await output.read();
    assert.equal(done, false, "it goes on");
    printed += value;
  }
  const [, url = ""] = /^listening on (http:\/\/127\.0\.0\.1:\d+)\n$/
    .exec(printed) ?? [];
  assert.notEqual(url, "", printed);
  assert.equal((await getJson(`${url}/health`)).status, "ok");
  child.kill("SIGTERM");
  assert.deepEqual(await output.read(), { done: true, value: undefined });
  const { code } = await child.status;
  assert.equal(code, 0);
  assert.match(await errors, /^address {2}Mx[0-9A-Z]+@127\.0\.0\.1:\d+$/m);
});

Deno.test("main.ts names a variable that cannot be used, and ends", async (t) => {
  const table: Record<string, Record<string, string>> = {
    "PORT": { PORT: "http" },
    "RESTANTE_URL": { RESTANTE_URL: "relay.test" },
    "the signing key is not a PKCS#8 key of Ed25519": {
      RESTANTE_SIGNING_KEY: "AAAA",
      RESTANTE_KV: ":memory:",
    },
  };
  for (const [variable, variables] of Object.entries(table)) {
    await t.step(variable, async () => {
      const { code, stdout, stderr } = await spawnMain(variables).output();
      const text = new TextDecoder();
      assert.equal(code, 1);
      assert.equal(text.decode(stdout), "");
      assert.match(
        text.decode(stderr),
        new RegExp(`^error: ${variable}(?:: [^\\n]+)?\\n$`),
      );
    });
  }
});

Deno.test("main.ts has the platform sweep by its clock on Deno Deploy, and nowhere else", async (t) => {
  for (const platform of ["Deno Deploy", "a machine"]) {
    await t.step(platform, async () => {
      const isOnDeploy = platform === "Deno Deploy";
      const child = spawnMain({
        PORT: "0",
        RESTANTE_KV: ":memory:",
        ...(isOnDeploy && { DENO_DEPLOY: "true" }),
      }, "--preload=tests/cron_spy.ts");
      const errors = child.stderr.text();
      let said = "";
      let isTold = false;
      for await (
        const text of child.stdout.pipeThrough(new TextDecoderStream())
      ) {
        said += text;
        const isReady = said.includes("listening on") &&
          (!isOnDeploy || said.includes("has run"));
        if (!isReady || isTold) continue;
        isTold = true;
        child.kill("SIGTERM");
      }
      assert.equal((await child.status).code, 0, await errors);
      const crons = said.split("\n").filter((line) => line.startsWith("cron "));
      assert.deepEqual(
        crons,
        isOnDeploy ? ["cron sweep */10 * * * *", "cron sweep has run"] : [],
      );
    });
  }
});
