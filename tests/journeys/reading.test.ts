/** `restante read`: what it saves, follows, fetches, and what it acknowledges. */
import assert from "node:assert/strict";
import { mineEnvelope } from "../../client/envelope.ts";
import {
  makeIdentity,
  parseIdentity,
  Relay,
  send,
  type StoredMessage,
} from "../../client/mod.ts";
import { encode } from "../../lib/minima/codec.ts";
import { maximaPackage } from "../../lib/minima/maxima.ts";
import { seal } from "../../lib/seal/maxima.ts";
import { FakeHome } from "../client/fake_home.ts";
import { cursorAt, listedAt, pageOf } from "../client/scripted.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import {
  RelayProcess,
  restante,
  restanteJson,
  RunningCommand,
} from "./process.ts";

interface Listed {
  readonly id: string;
  readonly cursor: string;
  readonly text: string | null;
  readonly failure?: string;
}

interface ReadResult {
  readonly messages: Listed[];
  readonly next: string;
  readonly reset: boolean;
}

/** A relay, a mailbox that is open, and somebody who writes to it. */
class Post implements AsyncDisposable {
  readonly #directory: TempDirectory;
  readonly #relay: RelayProcess;
  readonly #from = makeIdentity(1_024);
  readonly #to: Uint8Array<ArrayBuffer>;
  /** The options by which the owner reads. */
  readonly me: readonly string[];

  private constructor(
    directory: TempDirectory,
    relay: RelayProcess,
    to: Uint8Array<ArrayBuffer>,
  ) {
    this.#directory = directory;
    this.#relay = relay;
    this.#to = to;
    this.me = ["--relay", relay.url, "--identity", directory.file("me.json")];
  }

  static async open(): Promise<Post> {
    const directory = await TempDirectory.make();
    const relay = await RelayProcess.start("--port", "0", "--kv", ":memory:");
    await restanteJson("keygen", directory.file("me.json"));
    const text = await Deno.readTextFile(directory.file("me.json"));
    const { key } = await parseIdentity(text);
    const post = new Post(directory, relay, key.publicKey);
    await post.read();
    return post;
  }

  file(name: string): string {
    return this.#directory.file(name);
  }

  async read(...args: string[]): Promise<ReadResult> {
    return await restanteJson<ReadResult>("read", ...this.me, ...args);
  }

  async send(text: string): Promise<StoredMessage> {
    return await send({
      relay: new Relay(this.#relay.url),
      from: await this.#from,
      to: this.#to,
      application: "test",
      data: new TextEncoder().encode(text),
      hold: 3_600,
    });
  }

  /** Posts what is not to be sent over links of less than 1 Mbit/s. */
  async sendHeavy(text: string): Promise<void> {
    const relay = new Relay(this.#relay.url);
    const sealed = await seal({
      to: this.#to,
      from: (await this.#from).key,
      application: "test",
      data: new TextEncoder().encode(text),
      time: Date.now(),
    });
    const size = encode(maximaPackage, sealed).length + 512;
    const { target } = await relay.quote(size, 3_600);
    const answer = await relay.fetch("/v1/messages?minBandwidth=1000000", {
      method: "POST",
      headers: { "Content-Type": "application/vnd.minima.maxtxpow" },
      body: await mineEnvelope(sealed, { target }),
    });
    assert.equal(answer.status, 201);
    await answer.body?.cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}

const textsIn = ({ messages }: ReadResult) => messages.map(({ text }) => text);

Deno.test("read --watch that cannot save fails, and acknowledges nothing that it did not save", async () => {
  await using post = await Post.open();
  const [first, second] = [await post.send("one"), await post.send("two")];
  await post.send("three");
  // A folder stands where the second message would be saved.
  await Deno.mkdir(`${post.file("inbox")}/${second.id}`, { recursive: true });
  const inbox = ["--save", post.file("inbox"), "--ack"];
  for (const json of [true, false]) {
    await using watcher = RunningCommand.start(
      "read",
      ...post.me,
      "--watch",
      ...inbox,
      ...(json ? ["--json"] : []),
    );
    const { code, stdout, stderr } = await watcher.end();
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`${second.id} cannot be written: `));
    // The first is shown once, and acknowledged; the second is neither.
    assert.equal(stdout.includes("one"), json, stdout);
    assert.ok(!stdout.includes("two"), stdout);
    assert.deepEqual(textsIn(await post.read()), ["two", "three"]);
  }
  assert.equal(
    await Deno.readTextFile(`${post.file("inbox")}/${first.id}`),
    "one",
  );
  const once = await restante(["read", ...post.me, ...inbox]);
  assert.equal(once.code, 1);
  assert.match(once.stderr, / cannot be written: .* \(internal\)\n$/);
  assert.deepEqual(textsIn(await post.read()), ["two", "three"]);
});

Deno.test("read --watch goes on behind its cursor, saves, acknowledges, and ends well at SIGINT", async () => {
  await using post = await Post.open();
  const skipped = await post.send("skipped");
  await post.send("one");
  await using watcher = RunningCommand.start(
    "read",
    ...post.me,
    "--watch",
    "--after",
    skipped.cursor,
    "--save",
    post.file("inbox"),
    "--ack",
    "phone",
  );
  await watcher.until("| one\n");
  const { id } = await post.send("two");
  await watcher.until("| two\n");
  const { code, stdout, stderr } = await watcher.end("SIGINT");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(!stdout.includes("skipped"));
  assert.equal(await Deno.readTextFile(`${post.file("inbox")}/${id}`), "two");
});

Deno.test("read --watch acknowledges each message as it is shown, but none that nobody could read", async () => {
  await using post = await Post.open();
  await post.send("one");
  await using watcher = RunningCommand.start(
    "read",
    ...post.me,
    "--watch",
    "--ack",
    "--json",
  );
  await watcher.until('"text":"one"');
  await post.send("two");
  await watcher.until('"text":"two"');
  await post.send("three");
  // The third is shown once the second is acknowledged.
  await watcher.until('"text":"three"');
  await watcher.end("SIGKILL");
  const left = textsIn(await post.read());
  assert.ok(!left.includes("one") && !left.includes("two"), left.join());
});

Deno.test("read --after lists what is behind a cursor; next is where to go on", async () => {
  await using post = await Post.open();
  const [one, two] = [await post.send("one"), await post.send("two")];
  const all = await post.read();
  assert.deepEqual([textsIn(all), all.next], [["one", "two"], two.cursor]);
  assert.deepEqual(textsIn(await post.read("--after", one.cursor)), ["two"]);
  const shown = await restante(["read", ...post.me]);
  assert.equal(shown.stderr, `next time: --after ${two.cursor}\n`);
  const nothing = await restante(["read", ...post.me, "--after", all.next]);
  assert.deepEqual([nothing.stdout, nothing.stderr], ["", "no messages\n"]);
});

Deno.test("read --ack acknowledges as the device that is named, and all that was read", async () => {
  for (
    const ack of [["--ack"], ["--ack", "phone"], ["--ack", "--reader", "phone"]]
  ) {
    await using post = await Post.open();
    await post.send("one");
    await post.send("two");
    assert.deepEqual(textsIn(await post.read(...ack)), ["one", "two"]);
    assert.deepEqual(textsIn(await post.read()), [], ack.join(" "));
  }
});

Deno.test("read --bandwidth withholds what is not for slow links, and --fetch fetches it", async () => {
  await using post = await Post.open();
  await post.sendHeavy("heavy");
  await post.send("light");
  const slow = ["read", ...post.me, "--bandwidth", "9600"];
  const withheld = await restante(slow);
  assert.match(
    withheld.stdout,
    /^--- \S+\n\(withheld, \d+ bytes; --fetch fetches it\)\n\n--- [^]*\n\| light\n\n$/,
  );
  assert.deepEqual(
    (await post.read("--bandwidth", "9600")).messages.map(
      ({ text, failure }) => text ?? failure,
    ),
    ["withheld", "light"],
  );
  assert.deepEqual(
    textsIn(await post.read("--bandwidth", "9600", "--fetch")),
    ["heavy", "light"],
  );
  assert.deepEqual(textsIn(await post.read()), ["heavy", "light"]);
});

Deno.test("read --ack acknowledges nothing from the first message on that was withheld", async () => {
  const slow = ["--bandwidth", "9600", "--ack"];
  await using post = await Post.open();
  await post.send("before");
  await post.sendHeavy("heavy");
  await post.send("behind");
  await post.read(...slow);
  assert.deepEqual(textsIn(await post.read()), ["heavy", "behind"]);
  await post.read(...slow); // now there is nothing before it
  assert.deepEqual(textsIn(await post.read()), ["heavy", "behind"]);
  {
    await using watcher = RunningCommand.start(
      "read",
      ...post.me,
      "--watch",
      "--json",
      ...slow,
    );
    await watcher.until('"text":"behind"');
    await post.send("last"); // it comes once "behind" is dealt with
    await watcher.until('"text":"last"');
    await watcher.end("SIGKILL");
  }
  const held = ["heavy", "behind", "last"];
  assert.deepEqual(textsIn(await post.read()), held);
  assert.deepEqual(textsIn(await post.read(...slow, "--fetch")), held);
  assert.deepEqual(textsIn(await post.read()), []);
});

Deno.test("read --after a cursor of another store begins at the oldest, and says so", async () => {
  await using post = await Post.open();
  const { cursor } = await post.send("one");
  const here = await post.read("--after", cursor);
  assert.deepEqual([textsIn(here), here.reset], [[], false]);
  const elsewhere = (cursor.startsWith("0") ? "1" : "0") + cursor.slice(1);
  const there = await post.read("--after", elsewhere);
  assert.deepEqual([textsIn(there), there.reset], [["one"], true]);
});

Deno.test("read reads and acknowledges as the device that --reader or --ack names", async () => {
  const acknowledged: unknown[] = [];
  await using home = new FakeHome(async (request) => {
    if (request.method !== "POST") return pageOf([listedAt(1)], cursorAt(1));
    acknowledged.push(await request.json());
    return Response.json({});
  });
  await using directory = await TempDirectory.make();
  await restanteJson("keygen", directory.file("me.json"));
  const me = ["--relay", home.url, "--identity", directory.file("me.json")];
  const table: [args: string[], reads: string | null, acks: string | null][] = [
    [[], null, null],
    [["--reader", "phone"], "phone", null],
    [["--ack"], null, "default"],
    [["--ack", "phone"], "phone", "phone"],
    [["--reader", "phone", "--ack"], "phone", "phone"],
    [["--reader", "phone", "--ack", "phone"], "phone", "phone"],
  ];
  for (const [args, reads, acks] of table) {
    acknowledged.length = 0;
    await restanteJson("read", ...me, ...args);
    const listing = home.asked.findLast((asked) => asked.startsWith("GET"));
    const { searchParams } = new URL(listing?.slice(4) ?? "", home.url);
    assert.equal(searchParams.get("reader"), reads, args.join(" "));
    assert.deepEqual(
      acknowledged,
      acks === null ? [] : [{ through: cursorAt(1), reader: acks }],
      args.join(" "),
    );
  }
});

Deno.test("read --fetch asks for what was withheld, and for nothing else", async () => {
  const withheld = {
    ...listedAt(2),
    expired: false,
    object: "2".repeat(64),
  };
  await using home = new FakeHome((request) =>
    new URL(request.url).pathname.startsWith("/v1/objects/")
      ? new Response("damaged")
      : pageOf([listedAt(1), withheld, listedAt(3)], cursorAt(3))
  );
  await using directory = await TempDirectory.make();
  await restanteJson("keygen", directory.file("me.json"));
  const { messages } = await restanteJson<ReadResult>(
    "read",
    "--relay",
    home.url,
    "--identity",
    directory.file("me.json"),
    "--fetch",
  );
  assert.deepEqual(
    messages.map(({ failure }) => failure),
    ["expired", "damaged", "expired"],
  );
  assert.deepEqual(
    home.asked.filter((asked) => asked.includes("/objects/")),
    [`GET /v1/objects/${withheld.object}`],
  );
});

Deno.test("read says that it began anew, on whichever page that was", async () => {
  const cursor = (place: number) => cursorAt(place, "b");
  const pages = [
    pageOf([], cursor(1), { more: true, reset: true }),
    pageOf([listedAt(2, "b")], cursor(2), { more: true }),
    pageOf([listedAt(3, "b")], cursor(3)),
  ];
  await using home = new FakeHome(() => pages.shift() ?? Response.error());
  await using directory = await TempDirectory.make();
  await restanteJson("keygen", directory.file("me.json"));
  const read = await restanteJson<ReadResult>(
    "read",
    "--relay",
    home.url,
    "--identity",
    directory.file("me.json"),
    "--after",
    cursorAt(9, "a"),
  );
  assert.deepEqual(
    [read.reset, read.next, read.messages.map(({ cursor }) => cursor)],
    [true, cursor(3), [cursor(2), cursor(3)]],
  );
});

Deno.test("read says that it opened a mailbox, once", async () => {
  await using post = await Post.open();
  const [, url = ""] = post.me;
  const made = await restanteJson<{ mailbox: string }>(
    "keygen",
    post.file("new.json"),
  );
  const read = ["read", "--relay", url, "--identity", post.file("new.json")];
  const first = await restante(read);
  assert.equal(first.stderr, `opened mailbox ${made.mailbox}\nno messages\n`);
  assert.equal((await restante(read)).stderr, "no messages\n");
  await restanteJson("keygen", "--force", post.file("new.json"));
  const document = await restante([...read, "--json"]);
  assert.equal(document.stderr, "", "a document says nothing beside itself");
});
