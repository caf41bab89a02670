/** What refusals are priced by: remembered, bounded, and as it is shown. */
import assert from "node:assert/strict";
import { openDatabase } from "../../kv/store/deno_kv.ts";
import type { MailboxId } from "../../lib/ids.ts";
import { encode } from "../../lib/minima/codec.ts";
import { maxTxPow } from "../../lib/minima/maxima.ts";
import { DEFAULT_QUOTAS } from "../../lib/quota.ts";
import { EMPTY_FILL } from "../../lib/work/price.ts";
import { SHOWN_READS, ShownFills } from "../../relay/shown_fills.ts";
import { newMailbox } from "../kv/message_maker.ts";
import { SpiedDatabase } from "../kv/spied_database.ts";
import { assertProblem } from "../routes/assert_problem.ts";
import { DAY, HOUR, MINUTE } from "../routes/clock.ts";
import { makeEnvelope, makePackage } from "../routes/envelopes.ts";
import { fill } from "../routes/filled_mailbox.ts";
import { freshKey, Owner, postEnvelope } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";

const QUOTAS = { ...DEFAULT_QUOTAS, mailbox: { bytes: 2 ** 30, messages: 20 } };
/** Seconds. */
const MONTH = 30 * DAY / 1_000;

/** A relay whose reads are counted. */
class Scene implements Disposable {
  readonly relay: TestRelay;
  readonly owner: Owner;
  readonly #databases: readonly SpiedDatabase[];

  private constructor(
    relay: TestRelay,
    owner: Owner,
    databases: readonly SpiedDatabase[],
  ) {
    this.relay = relay;
    this.owner = owner;
    this.#databases = databases;
  }

  static async open(): Promise<Scene> {
    const databases: SpiedDatabase[] = [];
    const relay = await TestRelay.open({
      quotas: QUOTAS,
      async openDatabase(location) {
        const database = new SpiedDatabase(await openDatabase(location));
        databases.push(database);
        return database;
      },
    });
    const scene = new Scene(relay, await Owner.open(relay), databases);
    // The count of the whole relay is every relay's, once in a while.
    await scene.relay.fetch("/v1/quotes", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ bytes: 1_500, seconds: 3_600 }),
    });
    scene.takeReads();
    return scene;
  }

  /** Reads since this was last asked. */
  takeReads(): number {
    return this.#databases
      .reduce((sum, database) => sum + database.takeCounts().reads, 0);
  }

  /** Has every read fail, or none. */
  fail(isFailing: boolean): void {
    for (const database of this.#databases) {
      database.onRead = () =>
        isFailing ? Promise.reject(new TypeError("no")) : Promise.resolve();
    }
  }

  /** Posts without work; gives what would do. */
  async refuse(to = this.owner.publicKey): Promise<number> {
    const { relay } = this;
    const withData = (length: number) =>
      encode(
        maxTxPow,
        makeEnvelope({
          package: makePackage(to, length),
          time: relay.clock.time,
          accepts: ([first]) => first !== 0,
        }),
      );
    const envelope = withData(4_096 - withData(0).length);
    const response = await postEnvelope(relay, envelope, "?hold=86400");
    const refused = await assertProblem(relay, response, "work-insufficient");
    return Number(refused["hashes"]);
  }

  [Symbol.dispose](): void {
    this.relay[Symbol.dispose]();
  }
}

Deno.test("a refusal for too little work reads a mailbox once an hour, however many come", async () => {
  using scene = await Scene.open();
  const { owner } = scene;
  const together = await Promise.all(
    Array.from({ length: 20 }, () => scene.refuse()),
  );
  assert.deepEqual(new Set(together), new Set([10_000]));
  const first = scene.takeReads();
  assert.ok(
    first === 1 || first === 2,
    `${first} reads, the relay's one of them`,
  );
  await fill(owner, 15, MONTH);
  scene.takeReads();
  for (let n = 0; n < 20; n++) assert.equal(await scene.refuse(), 10_000);
  assert.equal(scene.takeReads(), 0);
});

Deno.test("what a refusal names rises when the hour that is shown does", async () => {
  using scene = await Scene.open();
  const { relay: { clock }, owner } = scene;
  assert.equal(await scene.refuse(), 10_000);
  await fill(owner, 15, MONTH);
  assert.equal(await scene.refuse(), 10_000, "nobody is told");
  clock.advance(2 * HOUR);
  assert.equal(await scene.refuse(), 10_000 * 2 ** 10, "fifteen of twenty");
});

Deno.test("neither quotes nor mail are remembered for refusals: how they are answered tells of none", async () => {
  using scene = await Scene.open();
  const { relay, owner } = scene;
  await scene.refuse(freshKey()); // the relay is counted
  scene.takeReads();
  await scene.refuse(freshKey());
  const unknown = scene.takeReads();
  await owner.receive();
  const asked = await relay.fetch("/v1/quotes", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      bytes: 1_500,
      seconds: 3_600,
      mailbox: owner.mailbox,
    }),
  });
  assert.equal(asked.status, 200);
  scene.takeReads();
  await scene.refuse();
  assert.equal(scene.takeReads(), unknown);
  assert.equal(unknown, 1);
});

Deno.test("ShownFills.of() reads so many mailboxes a minute, and takes the others for empty", async () => {
  using scene = await Scene.open();
  const { relay: { relay, clock }, owner } = scene;
  await fill(owner, 15, MONTH);
  clock.advance(2 * HOUR);
  const fills = new ShownFills(relay);
  for (let n = 0; n < SHOWN_READS; n++) await fills.of(newMailbox());
  scene.takeReads();
  const { mailbox } = await fills.of(owner.mailbox);
  assert.deepEqual([mailbox, scene.takeReads()], [EMPTY_FILL, 0]);
  clock.advance(MINUTE - 1);
  const later = await fills.of(owner.mailbox);
  assert.equal(later.mailbox.used / later.mailbox.quota, 0.75);
});

Deno.test("ShownFills.of() remembers so many mailboxes, and forgets the oldest first", async () => {
  using scene = await Scene.open();
  const fills = new ShownFills(scene.relay.relay, 3);
  const four = Array.from({ length: 4 }, newMailbox);
  const readsFor = async (mailbox: MailboxId) => {
    scene.takeReads();
    await fills.of(mailbox);
    return scene.takeReads();
  };
  await fills.of(newMailbox()); // the relay is counted
  for (const mailbox of four) assert.equal(await readsFor(mailbox), 1);
  assert.equal(fills.size, 3);
  for (const mailbox of four.slice(1)) assert.equal(await readsFor(mailbox), 0);
  assert.equal(await readsFor(four[0] as MailboxId), 1);
  assert.equal(fills.size, 3);
});

Deno.test("ShownFills.of() remembers no read that failed", async () => {
  using scene = await Scene.open();
  const { relay: { relay }, owner } = scene;
  const fills = new ShownFills(relay);
  await fills.of(newMailbox()); // the relay is counted
  scene.fail(true);
  await assert.rejects(async () => await fills.of(owner.mailbox));
  assert.equal(fills.size, 1);
  scene.fail(false);
  assert.equal((await fills.of(owner.mailbox)).mailbox.used, 0);
  assert.equal(fills.size, 2);
});
