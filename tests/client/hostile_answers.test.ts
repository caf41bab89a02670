/** A relay that lies about how much there is: nothing is read, followed or believed without a bound. */
import assert from "node:assert/strict";
import {
  makeIdentity,
  readAll,
  readPage,
  Relay,
  RelayError,
  Session,
} from "../../client/mod.ts";
import { ManualClock } from "../manual_clock.ts";
import { assertClientError } from "./assert_client_error.ts";
import { FakeHome } from "./fake_home.ts";
import { FakeRelay, problem } from "./fake_relay.ts";
import { callsTo, EndlessBody } from "./lying_answers.ts";
import { elementPageOf } from "./scripted.ts";

const ALICE = await makeIdentity(1_024);
const KIB = 2 ** 10;
const MIB = 2 ** 20;
/** What may be on its way when a reader has had enough. */
const ON_ITS_WAY = 8 * MIB;

/** Bytes of the longest answer to each call that takes more than some facts. */
const MOST: Readonly<Record<string, number>> = {
  readPage: 8 * MIB,
  fetchMessage: 7 + 256 * KIB + 64 * KIB,
};

Deno.test("an endless body is read no further than an answer may be long", async (t) => {
  for (const what of ["an answer", "a refusal"]) {
    const status = what === "a refusal" ? 503 : 200;
    let endless = new EndlessBody();
    await using home = new FakeHome(() => endless.response({ status }));
    for (const [name, call] of Object.entries(callsTo(home.url, ALICE))) {
      await t.step(`${what} to ${name}`, async () => {
        endless = new EndlessBody();
        await assertClientError(call(), "relay-nonsense");
        const most = status === 200 ? MOST[name] ?? 64 * KIB : 64 * KIB;
        assert.ok(endless.taken >= most, `${endless.taken} bytes`);
        assert.ok(endless.taken < most + ON_ITS_WAY, `${endless.taken} bytes`);
      });
    }
  }
});

Deno.test("an answer may be as long as its bound, and no byte longer", async (t) => {
  let length = 0;
  const json = () => {
    const facts = '{"work":{"target":"00ff","hashes":1},"more":"';
    return `${facts}${"x".repeat(length - facts.length - 2)}"}`;
  };
  const answers: Record<string, () => Response> = {
    "with its length": () => new Response(json()),
    "without": () => new Response(new Blob([json()]).stream()),
  };
  for (const [what, answer] of Object.entries(answers)) {
    await t.step(what, async () => {
      await using fake = new FakeRelay(answer);
      const relay = new Relay(fake.url);
      length = 64 * KIB;
      assert.equal((await relay.quote(1, 3_600)).target, 255n);
      length++;
      await assertClientError(relay.quote(1, 3_600), "relay-nonsense");
    });
  }
});

Deno.test("100 MB of [ that are announced are not waited for", async () => {
  // Nothing moves this clock: what is waited for does not end.
  const clock = new ManualClock(Date.now());
  await using home = new FakeHome(() => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("[")),
    });
    const headers = { "Content-Length": "100000000" };
    return new Response(body, { headers });
  });
  const calls = callsTo(home.url, ALICE, { patience: 0, clock });
  for (const call of Object.values(calls)) {
    await assertClientError(call(), "relay-nonsense");
  }
  assert.equal(clock.timers, 0);
});

Deno.test("nests of [ within the bound are nonsense, and no failure of ours", async () => {
  let depth = 0;
  await using home = new FakeHome(() =>
    new Response("[".repeat(depth) + "]".repeat(depth))
  );
  for (const [name, call] of Object.entries(callsTo(home.url, ALICE))) {
    if (name === "fetchMessage") continue; // bytes, which are damaged
    depth = (MOST[name] ?? 64 * KIB) / 2;
    await assertClientError(call(), "relay-nonsense");
  }
});

Deno.test("an answer that trickles without end is given up in time", async (t) => {
  const WITHIN: Record<string, number> = {
    readPage: 30_000,
    postMessage: 30_001, // a millisecond more for each byte
    fetchMessage: 300_000,
  };
  for (const status of [200, 503]) {
    // Hands are shaken by the machine's clock, as tokens and proofs are.
    const clock = new ManualClock(Date.now());
    let begun = Promise.withResolvers<void>();
    await using home = new FakeHome(() => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode("["));
          begun.resolve();
        },
      });
      return new Response(body, { status });
    });
    const calls = callsTo(home.url, ALICE, { patience: 0, clock });
    for (const [name, call] of Object.entries(calls)) {
      await t.step(`${name}, ${status}`, async () => {
        begun = Promise.withResolvers();
        let isOver = false;
        const calling = assertClientError(call(), "relay-unreachable")
          .finally(() => isOver = true);
        const within = WITHIN[name] ?? 30_000;
        await begun.promise;
        clock.advance(within - 1);
        await fetch(`${home.url}/v1/handshakes`).then((r) => r.body?.cancel());
        assert.equal(isOver, false);
        clock.advance(1);
        const { message } = await calling;
        assert.ok(
          message.endsWith(` did not answer in ${within / 1_000} s`),
          message,
        );
        assert.equal(clock.timers, 0);
      });
    }
  }
});

Deno.test("a redirect to another host is not followed, and gets no token and no proof", async (t) => {
  await using other = new FakeRelay(() => Response.json({}));
  for (const status of [301, 302, 303, 307, 308]) {
    await using home = new FakeHome(() =>
      new Response(null, { status, headers: { Location: other.url } })
    );
    for (const [name, call] of Object.entries(callsTo(home.url, ALICE))) {
      await t.step(`${status} to ${name}`, async () => {
        await assertClientError(call(), "relay-unreachable");
        assert.deepEqual(other.asked, []);
      });
    }
    await t.step(`${status} to a request of one's own`, async () => {
      const session = new Session(new Relay(home.url), ALICE);
      const own = session.fetch("/v1/x", { redirect: "follow" });
      await assertClientError(own, "relay-unreachable");
      assert.deepEqual(other.asked, []);
    });
  }
});

const cursor = (n: number, epoch = "a") =>
  `${epoch.repeat(12)}-${String(n).padStart(20, "0")}`;
interface ListedPage {
  readonly messages: readonly Record<string, unknown>[];
  readonly next: string;
  readonly more: boolean;
  readonly reset: boolean;
}
const page = (members: Partial<ListedPage>): ListedPage => ({
  messages: [],
  next: cursor(1),
  more: false,
  reset: false,
  ...members,
});
const message = (at: string) => ({
  cursor: at,
  id: "0".repeat(64),
  object: "0".repeat(64),
  size: 1,
  storedAt: 1,
  holdUntil: 1,
  body: null,
  expired: true,
});

Deno.test("more for ever, without getting on, is nonsense at the first repetition", async () => {
  await using home = new FakeHome(() => Response.json(page({ more: true })));
  const session = new Session(new Relay(home.url), ALICE);
  await assertClientError(
    Array.fromAsync(readAll(session, null)),
    "relay-nonsense",
  );
  assert.equal(home.headers.length, 2);
});

Deno.test("more for ever, with cursors that get on, ends after ten thousand pages", async () => {
  let pages = 0;
  class LeadingRelay extends Relay {
    override fetch(path: string, request?: RequestInit) {
      if (!path.includes("/messages")) return super.fetch(path, request);
      return Promise.resolve(
        Response.json(page({ next: cursor(++pages), more: true })),
      );
    }
  }
  await using home = new FakeHome(() => Response.json({}));
  const session = new Session(new LeadingRelay(home.url), ALICE);
  await assertClientError(
    Array.fromAsync(readAll(session, null)),
    "relay-nonsense",
  );
  assert.equal(pages, 10_000);
});

Deno.test("more messages for ever, a page full at a time, end at the most there may be", async () => {
  for (const maxMessages of [5, 6, 7]) {
    let place = 0;
    await using home = new FakeHome(() => {
      const messages = [message(cursor(++place)), message(cursor(++place))];
      return Response.json(
        page({ messages, next: cursor(place), more: true }),
      );
    });
    const session = new Session(new Relay(home.url), ALICE);
    let read = 0;
    const reading = async () => {
      const options = { maxMessages };
      for await (const { messages } of readAll(session, null, options)) {
        read += messages.length;
      }
    };
    await assertClientError(reading(), "relay-nonsense");
    assert.equal(read, maxMessages - maxMessages % 2);
    assert.equal(home.headers.length, Math.floor(maxMessages / 2) + 1);
  }
});

Deno.test("a mailbox that begins anew for ever is nonsense after three times", async () => {
  let pages = 0;
  await using home = new FakeHome(() => {
    pages++;
    const next = cursor(1, "abcdef"[pages]);
    return Response.json(page({ next, more: true, reset: pages > 1 }));
  });
  const session = new Session(new Relay(home.url), ALICE);
  await assertClientError(
    Array.fromAsync(readAll(session, null)),
    "relay-nonsense",
  );
  assert.equal(pages, 5);
});

/** Pages behind cursor 2, and whether a relay can have given them. */
const PAGES: readonly [what: string, answer: ListedPage, isGood: boolean][] = [
  ["nothing new", page({ next: cursor(2) }), true],
  ["a place further on", page({ next: cursor(3), more: true }), true],
  [
    "messages in order, to the last",
    page({
      messages: [message(cursor(3)), message(cursor(4))],
      next: cursor(4),
    }),
    true,
  ],
  [
    "messages in order, and further on",
    page({ messages: [message(cursor(3))], next: cursor(9), more: true }),
    true,
  ],
  [
    "another store's, from its beginning",
    page({
      messages: [message(cursor(1, "b"))],
      next: cursor(1, "b"),
      more: true,
      reset: true,
    }),
    true,
  ],
  [
    "from the beginning, in this store",
    page({ messages: [message(cursor(1))], next: cursor(1), reset: true }),
    true,
  ],
  ["nothing new, and more", page({ next: cursor(2), more: true }), false],
  ["a place before", page({ next: cursor(1) }), false],
  ["another store's place", page({ next: cursor(3, "b") }), false],
  [
    "a message again",
    page({ messages: [message(cursor(2))], next: cursor(3) }),
    false,
  ],
  [
    "messages out of order",
    page({
      messages: [message(cursor(4)), message(cursor(3))],
      next: cursor(4),
    }),
    false,
  ],
  [
    "a message twice",
    page({
      messages: [message(cursor(3)), message(cursor(3))],
      next: cursor(3),
    }),
    false,
  ],
  [
    "a place before its last message",
    page({ messages: [message(cursor(4))], next: cursor(3) }),
    false,
  ],
  [
    "messages of two stores",
    page({
      messages: [message(cursor(3)), message(cursor(3, "b"))],
      next: cursor(3, "b"),
    }),
    false,
  ],
  [
    "a place of another store than its message",
    page({ messages: [message(cursor(3))], next: cursor(4, "b") }),
    false,
  ],
  [
    "1,000 messages",
    page({
      messages: Array.from({ length: 1_000 }, (_, i) => message(cursor(3 + i))),
      next: cursor(1_002),
    }),
    true,
  ],
  [
    "1,001 messages",
    page({
      messages: Array.from({ length: 1_001 }, (_, i) => message(cursor(3 + i))),
      next: cursor(1_003),
    }),
    false,
  ],
];

/** The forms in which a page may come. */
const WIRES: Readonly<Record<string, (page: ListedPage) => Response>> = {
  JSON: (page) => Response.json(page),
  elements: ({ messages, next, ...flags }) =>
    elementPageOf(messages, next, flags),
};

for (const [wire, answerWith] of Object.entries(WIRES)) {
  Deno.test(`readPage() takes pages of ${wire} that go on in order, and no others`, async (t) => {
    let answer = page({});
    await using home = new FakeHome(() => answerWith(answer));
    const session = new Session(new Relay(home.url), ALICE);
    for (const [what, given, isGood] of PAGES) {
      await t.step(what, async () => {
        answer = given;
        const read = readPage(session, cursor(2));
        if (isGood) await read;
        else await assertClientError(read, "relay-nonsense");
      });
    }
  });
}

/** Numbers as text, for not all of them are JSON of JavaScript. */
const ABSURD = ["1e400", "-1e400", "-1", "1.5", '"1"', "null", "true", "[1]"];
const TOO_LATE = ["253402300800000", "9007199254740993", "1e300"];

Deno.test("absurd numbers are nonsense, and no failure of ours", async (t) => {
  const listed = JSON.stringify(page({ messages: [message(cursor(3))] }))
    .replace(`"next":"${cursor(1)}"`, `"next":"${cursor(3)}"`);
  const members: [member: string, values: string[]][] = [
    ["size", ABSURD],
    ["storedAt", [...ABSURD, ...TOO_LATE]],
    ["holdUntil", [...ABSURD, ...TOO_LATE]],
  ];
  let text = listed;
  await using home = new FakeHome(() => new Response(text));
  const relay = new Relay(home.url);
  const session = new Session(relay, ALICE);
  await readPage(session, null);
  for (const [member, values] of members) {
    for (const value of values) {
      await t.step(`a message's ${member} ${value}`, async () => {
        text = listed.replace(`"${member}":1`, `"${member}":${value}`);
        assert.notEqual(text, listed);
        await assertClientError(readPage(session, null), "relay-nonsense");
      });
    }
  }
  for (const value of ABSURD) {
    await t.step(`a price of ${value}`, async () => {
      text = `{"work":{"target":"00ff","hashes":${value}}}`;
      await assertClientError(relay.quote(1, 3_600), "relay-nonsense");
    });
  }
  await t.step("a target of 257 bits", async () => {
    text = `{"work":{"target":"${"ff".repeat(33)}","hashes":1}}`;
    await assertClientError(relay.quote(1, 3_600), "relay-nonsense");
  });
});

Deno.test("a refusal that asks to wait for ever is waited for ten minutes at most", async (t) => {
  const table: [member: string, header: string | null, seconds: number][] = [
    ["7", null, 7],
    ["7", "9", 9],
    ["9", "7", 9],
    ["0.5", null, 0.5],
    ["1e400", null, 600],
    ["601", null, 600],
    ["1", "999999999", 600],
    ["-1", null, 0],
    ['"7"', null, 0],
    ["null", "1e9", 0],
    ["[7]", "Wed, 21 Oct 2099 07:28:00 GMT", 0],
    ["{}", "-5", 0],
  ];
  for (const [member, header, seconds] of table) {
    await t.step(`${member} and ${header}`, async () => {
      const text = `{"code":"rate-limited","detail":{},"retryAfter":${member}}`;
      await using fake = new FakeRelay(() =>
        new Response(text, {
          status: 429,
          headers: header === null ? {} : { "Retry-After": header },
        })
      );
      const relay = new Relay(fake.url, { patience: 0 });
      await assert.rejects(relay.quote(1, 3_600), (error) => {
        assert.ok(error instanceof RelayError);
        assert.equal(error.retryAfter, seconds);
        assert.equal(error.message, "rate-limited");
        return true;
      });
    });
  }
  await t.step("a refusal of nothing but a code", async () => {
    await using fake = new FakeRelay(() => problem(503, { code: "busy" }));
    const relay = new Relay(fake.url, { patience: 0 });
    await assert.rejects(relay.quote(1, 3_600), /^RelayError: busy$/);
  });
});
