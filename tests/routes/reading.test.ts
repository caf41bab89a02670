/** Reading by polling: everything behind a cursor, in order, each once. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Bytes } from "../../lib/bytes.ts";
import { assertProblem } from "./assert_problem.ts";
import { envelopeBytes, largestEnvelope } from "./envelopes.ts";
import { fill, filledMailbox } from "./filled_mailbox.ts";
import { bodyOf, freshKey, Owner, type Page } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

/** Runs of each property. */
const RUNS = { numRuns: 30 };

function cursorsOf({ messages }: Page): string[] {
  return messages.map(({ cursor }) => cursor);
}

/** Reads to the end, with page sizes given in turn; gives every cursor. */
async function readToEnd(
  owner: Owner,
  after: string | null,
  limits: readonly number[],
): Promise<{ cursors: string[]; next: string }> {
  const cursors: string[] = [];
  let next = after;
  for (let page = 0;; page++) {
    const limit = limits[page % limits.length] ?? 1;
    const query = `?limit=${limit}` + (next === null ? "" : `&after=${next}`);
    const read = await owner.read(query);
    assert.equal(read.reset, false);
    assert.ok(read.messages.length <= limit, "no page is over its limit");
    cursors.push(...cursorsOf(read));
    next = read.next;
    if (!read.more) return { cursors, next };
  }
}

Deno.test("an empty mailbox reads as empty, from the start and from its own cursor", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const first = await owner.read();
  assert.deepEqual(
    [first.messages, first.more, first.reset],
    [[], false, false],
  );
  assert.deepEqual(await owner.read(`?after=${first.next}`), first);
});

Deno.test("messages are listed in the order of their storing, and so do their cursors sort", async () => {
  using relay = await TestRelay.open();
  const { owner, cursors } = await filledMailbox(relay, 12);
  assert.deepEqual(cursors.toSorted(), cursors);
  assert.equal(new Set(cursors).size, 12);
  const page = await owner.read();
  assert.deepEqual(cursorsOf(page), cursors);
  assert.deepEqual([page.next, page.more], [cursors.at(-1), false]);
});

Deno.test("a page ends at its limit, says whether there is more, and where to go on", async (t) => {
  using relay = await TestRelay.open();
  const { owner, cursors } = await filledMailbox(relay, 5);
  for (const limit of [1, 4, 5, 6, 1_000]) {
    await t.step(`limit ${limit}`, async () => {
      const page = await owner.read(`?limit=${limit}`);
      assert.deepEqual(cursorsOf(page), cursors.slice(0, limit));
      assert.equal(page.more, limit < 5);
      assert.equal(page.next, cursors[Math.min(limit, 5) - 1]);
    });
  }
});

Deno.test("a page has a hundred messages, if nothing is said", async () => {
  using relay = await TestRelay.open();
  const { owner, cursors } = await filledMailbox(relay, 101);
  const page = await owner.read();
  assert.deepEqual(cursorsOf(page), cursors.slice(0, 100));
  assert.equal(page.more, true);
  const rest = await owner.read(`?after=${page.next}`);
  assert.deepEqual(cursorsOf(rest), cursors.slice(100));
});

Deno.test("every message is read once, whatever the cursor and the sizes of the pages", async () => {
  using relay = await TestRelay.open();
  const { owner, cursors } = await filledMailbox(relay, 25);
  const start = fc.nat({ max: cursors.length });
  const limits = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(start, limits, async (from, sizes) => {
      const after = cursors[from - 1] ?? null;
      const read = await readToEnd(owner, after, sizes);
      assert.deepEqual(read.cursors, cursors.slice(from));
    }),
    RUNS,
  );
});

Deno.test("a reader misses nothing and sees nothing twice, however mail and reading alternate", async () => {
  using relay = await TestRelay.open();
  const steps = fc.array(
    fc.oneof(
      fc.record({ mail: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ limit: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ others: fc.integer({ min: 1, max: 3 }) }),
    ),
    { maxLength: 15 },
  );
  const other = await Owner.open(relay);
  await fc.assert(
    fc.asyncProperty(steps, async (schedule) => {
      const owner = await Owner.open(relay);
      const sent: string[] = [];
      const seen: string[] = [];
      let after: string | null = null;
      for (const step of schedule) {
        if ("mail" in step) {
          const stored = await fill(owner, step.mail);
          sent.push(...stored.map(({ cursor }) => cursor));
        } else if ("others" in step) {
          await fill(other, step.others);
        } else {
          const from: string = after === null ? "" : `&after=${after}`;
          const page = await owner.read(`?limit=${step.limit}${from}`);
          assert.equal(page.reset, false);
          seen.push(...cursorsOf(page));
          after = page.next;
        }
      }
      const rest = await readToEnd(owner, after, [3]);
      assert.deepEqual([...seen, ...rest.cursors], sent);
    }),
    RUNS,
  );
});

/** Sizes around what is kept in the log, in one segment and in several. */
const SIZES = [
  600,
  4_095,
  4_096,
  4_097,
  61_439,
  61_440,
  61_441,
  2 * 61_440,
  2 * 61_440 + 1,
  200 * 1_024,
];

Deno.test("a body is the bytes that were posted, whatever their size", async (t) => {
  using relay = await TestRelay.open();
  const to = freshKey();
  const owner = await Owner.open(relay, to);
  const { time } = relay.clock;
  const envelopes: Bytes[] = [
    ...SIZES.map((size) => envelopeBytes({ to, time, size, hashes: 40_000 })),
    largestEnvelope({ to, time, hashes: 40_000 }),
  ];
  assert.equal(envelopes.at(-1)?.length, 7 + 262_144 + 65_536);
  for (const envelope of envelopes) {
    await t.step(`${envelope.length} bytes`, async () => {
      const { cursor, object, size } = await owner.receive(envelope);
      assert.equal(size, envelope.length);
      const { messages: [message] } = await owner.read();
      assert.ok(message);
      assert.deepEqual(bodyOf(message), envelope);
      const got = await owner.fetch(`/v1/objects/${object}`);
      assert.deepEqual(await got.bytes(), envelope);
      await owner.delete(cursor);
    });
  }
});

Deno.test("a link slower than a message asks for gets the facts without the body", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const bound = await owner.receive(owner.envelope(), "?minBandwidth=1000");
  const free = await owner.receive(owner.envelope(), "?minBandwidth=0");
  const table: [query: string, bound: boolean][] = [
    ["", true],
    ["?bandwidth=1001", true],
    ["?bandwidth=1000", true],
    ["?bandwidth=999", false],
    ["?bandwidth=0", false],
  ];
  for (const [query, comes] of table) {
    await t.step(query || "nothing said", async () => {
      const { messages } = await owner.read(query);
      assert.deepEqual(
        messages.map(({ id, minBandwidth, expired, body }) => [
          id,
          minBandwidth,
          expired,
          body !== null,
        ]),
        [[bound.id, 1_000, false, comes], [free.id, 0, false, true]],
      );
    });
  }
  const fetched = await owner.fetch(`/v1/objects/${bound.object}`);
  assert.equal((await fetched.bytes()).length, bound.size);
});

Deno.test("a cursor that the store never gave out reads from the oldest held, and says so", async (t) => {
  using relay = await TestRelay.open();
  const { owner, cursors } = await filledMailbox(relay, 3);
  const { epoch } = relay.relay.store;
  const [oldest = ""] = cursors;
  const unknown: Record<string, string> = {
    "of another epoch": `${"0".repeat(12)}-${oldest.slice(13)}`,
    "of another epoch, at its start": `${"0".repeat(12)}-${"0".repeat(20)}`,
    "above the head": `${epoch}-${"f".repeat(20)}`,
    "just above the head": `${epoch}-${
      (BigInt(`0x${cursors.at(-1)?.slice(13)}`) + 1n).toString(16)
        .padStart(20, "0")
    }`,
  };
  for (const [what, cursor] of Object.entries(unknown)) {
    await t.step(what, async () => {
      const page = await owner.read(`?after=${cursor}&limit=2`);
      assert.equal(page.reset, true);
      assert.deepEqual(cursorsOf(page), cursors.slice(0, 2));
      const rest = await owner.read(`?after=${page.next}`);
      assert.equal(rest.reset, false);
      assert.deepEqual(cursorsOf(rest), cursors.slice(2));
    });
  }
  await t.step("and the start of its own epoch is known", async () => {
    const page = await owner.read(`?after=${epoch}-${"0".repeat(20)}`);
    assert.equal(page.reset, false);
    assert.deepEqual(cursorsOf(page), cursors);
  });
});

Deno.test("mailboxes do not see one another's mail", async () => {
  using relay = await TestRelay.open();
  const alice = await Owner.open(relay);
  const bob = await Owner.open(relay);
  const toAlice = await fill(alice, 2);
  const toBob = await fill(bob, 1);
  const more = await fill(alice, 1);
  assert.deepEqual(
    cursorsOf(await alice.read()),
    [...toAlice, ...more].map(({ cursor }) => cursor),
  );
  assert.deepEqual(
    cursorsOf(await bob.read()),
    toBob.map(({ cursor }) => cursor),
  );
  const wrong = await alice.fetch(`/v1/mailboxes/${bob.mailbox}/messages`);
  await assertProblem(relay, wrong, "forbidden");
});
