/**
 * The client in a browser: a page makes an identity, seals, mines, posts,
 * reads and opens, against a real relay on another origin. Needs Chromium.
 */
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { ROOT } from "../journeys/process.ts";
import { listen } from "../routes/listening_relay.ts";

const CHROMIUM = "/usr/bin/chromium";
const isInstalled = await Deno.stat(CHROMIUM).then(() => true, () => false);
if (!isInstalled) {
  console.error(`NOT TESTED: the client in a browser, for want of ${CHROMIUM}`);
}

/** No background traffic, no sandbox (which root may not have). */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The client as one module for browsers. */
async function bundleClient(folder: string): Promise<string> {
  const file = `${folder}/client.js`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "-q",
      "--platform",
      "browser",
      "-o",
      file,
      "client/mod.ts",
    ],
    cwd: ROOT,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return await Deno.readTextFile(file);
}

/** What runs in the page: nothing of the test's own scope. */
async function mainJobInPage({ relayUrl }: { relayUrl: string }) {
  // deno-lint-ignore no-explicit-any -- the page's own import
  const client: any = await import("/client.js" as string);
  const relay = new client.Relay(relayUrl);
  const [alice, bob] = [
    await client.makeIdentity(1_024),
    await client.makeIdentity(1_024),
  ];
  const session = new client.Session(relay, bob);
  const { created } = await session.open();
  const data = new TextEncoder().encode("from a page");
  const sent = await client.send({
    relay,
    from: alice,
    to: bob.key.publicKey,
    application: "page",
    data,
    hold: 3_600,
  });
  const page = await client.readPage(session, null);
  const [message] = page.messages;
  const receipt = await client.verifyReceipt(
    sent.receipt,
    await relay.verifyingKey(),
  );
  await client.acknowledge(session, page.next, "page");
  return {
    created,
    count: page.messages.length,
    text: new TextDecoder().decode(message.letter.data),
    fromAlice: message.letter.from === alice.key.publicKey.toHex(),
    receiptFor: receipt.jti === sent.id,
    left: (await client.readPage(session, null)).messages.length,
  };
}

/** Watches through a relay's restart. */
async function watchInPage({ relayUrl }: { relayUrl: string }) {
  // deno-lint-ignore no-explicit-any -- the page's own import
  const client: any = await import("/client.js" as string);
  const relay = new client.Relay(relayUrl);
  const [alice, bob] = [
    await client.makeIdentity(1_024),
    await client.makeIdentity(1_024),
  ];
  const session = new client.Session(relay, bob);
  await session.open();
  const write = (text: string) =>
    client.send({
      relay,
      from: alice,
      to: bob.key.publicKey,
      application: "page",
      data: new TextEncoder().encode(text),
      hold: 3_600,
    });
  const texts: string[] = [];
  const transports: string[] = [];
  await write("before");
  const messages = client.watch(session, {
    onEvent: (event: { kind: string; transport?: string }) =>
      event.kind === "connected" && transports.push(event.transport ?? ""),
  });
  for await (const { letter } of messages) {
    texts.push(new TextDecoder().decode(letter.data));
    if (texts.length === 1) {
      // deno-lint-ignore no-explicit-any -- the test's own, given to the page
      await (globalThis as any).restartRelay();
      await write("after");
    }
    if (texts.length === 2) break;
  }
  return { texts, transports };
}

/** A site with the client, and a page of it. */
async function openPage() {
  const folder = await Deno.makeTempDir();
  const script = await bundleClient(folder);
  const site = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => {
      const isScript = new URL(request.url).pathname === "/client.js";
      const type = isScript ? "text/javascript" : "text/html";
      return new Response(isScript ? script : "<!DOCTYPE html>", {
        headers: { "Content-Type": type },
      });
    },
  );
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ARGUMENTS,
  });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${site.addr.port}/`);
  return {
    page,
    folder,
    async [Symbol.asyncDispose]() {
      await browser.close();
      await site.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test({
  name: "the client does the main job in Chromium",
  ignore: !isInstalled,
  async fn() {
    await using site = await openPage();
    await using relay = await listen();
    const result = await site.page.evaluate(mainJobInPage, {
      relayUrl: relay.url,
    });
    assert.deepEqual(result, {
      created: true,
      count: 1,
      text: "from a page",
      fromAlice: true,
      receiptFor: true,
      left: 0,
    });
  },
});

Deno.test({
  name: "a page watches through a relay's restart, and misses nothing",
  ignore: !isInstalled,
  async fn() {
    await using site = await openPage();
    const store = `${site.folder}/store.kv`;
    let relay = await listen(store);
    const port = Number(new URL(relay.url).port);
    try {
      await site.page.exposeFunction("restartRelay", async () => {
        await relay.stop();
        relay = await listen(store, undefined, { port });
      });
      const { texts, transports } = await site.page.evaluate(watchInPage, {
        relayUrl: relay.url,
      });
      assert.deepEqual(texts, ["before", "after"]);
      assert.equal(transports[0], "socket");
      assert.ok(transports.length >= 2, `${transports}`);
    } finally {
      await relay.stop();
    }
  },
});
