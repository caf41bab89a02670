/** Revoked tokens: refused within seconds on every worker, others not. */
import assert from "node:assert/strict";
import { revokeTokens } from "../../kv/mail/admin.ts";
import { closeMailbox, completeHandshake } from "../../kv/mail/mailboxes.ts";
import type { Key } from "../../kv/store/database.ts";
import { openStore, type Store } from "../../kv/store/store.ts";
import { type MailboxId, mailboxIdOf } from "../../lib/ids.ts";
import { Problem } from "../../lib/problem.ts";
import { TOKEN_LIFETIME, type VerifiedGrant } from "../../lib/token.ts";
import { KNOWN_FOR, Revocations } from "../../relay/revocations.ts";
import { ManualClock } from "../manual_clock.ts";
import { freshKey } from "../routes/owner.ts";

/** A grant of a token that was issued then. */
function grantOf(mailbox: MailboxId, issued: number): VerifiedGrant {
  return {
    id: "1",
    mailbox,
    scopes: [],
    jkt: null,
    expires: issued + TOKEN_LIFETIME,
  };
}

async function openMailbox(store: Store, now: number): Promise<MailboxId> {
  const publicKey = freshKey();
  const id = mailboxIdOf(publicKey);
  await completeHandshake(store, { id, expires: now, publicKey }, now);
  return id;
}

Deno.test("Revocations.isRevoked() is up to the moment of revoking, and of that mailbox alone", async () => {
  using store = await openStore(":memory:");
  const clock = new ManualClock();
  const [mailbox, other] = [
    await openMailbox(store, clock.time),
    await openMailbox(store, clock.time),
  ];
  const now = clock.time;
  await revokeTokens(store, mailbox, now);
  const revocations = new Revocations(store, clock);
  const table: [VerifiedGrant, boolean][] = [
    [grantOf(mailbox, now - 60_000), true],
    [grantOf(mailbox, now), true],
    [grantOf(mailbox, now + 1), false],
    [grantOf(other, now - 59_999), false],
  ];
  for (const [grant, isRevoked] of table) {
    assert.equal(await revocations.isRevoked(grant), isRevoked);
    assert.equal(revocations.isKnownRevoked(grant), isRevoked);
  }
});

Deno.test("Revocations hears of a new revocation within five seconds, and of a second one", async () => {
  using store = await openStore(":memory:");
  const clock = new ManualClock();
  const mailbox = await openMailbox(store, clock.time);
  const revocations = new Revocations(store, clock);
  for (let round = 0; round < 2; round++) {
    clock.advance(KNOWN_FOR);
    const grant = grantOf(mailbox, clock.time);
    assert.equal(await revocations.isRevoked(grant), false);
    await revokeTokens(store, mailbox, clock.time);
    clock.advance(KNOWN_FOR - 1);
    assert.equal(await revocations.isRevoked(grant), false, "not heard yet");
    clock.advance(1);
    assert.equal(await revocations.isRevoked(grant), true);
  }
  assert.ok(KNOWN_FOR <= 5_000);
});

Deno.test("an open stream hears of a revocation by looking again, and is not kept waiting", async () => {
  using store = await openStore(":memory:");
  const clock = new ManualClock();
  const mailbox = await openMailbox(store, clock.time);
  const revocations = new Revocations(store, clock);
  const grant = grantOf(mailbox, clock.time);
  assert.equal(revocations.isKnownRevoked(grant), false);
  assert.equal(await revocations.isRevoked(grant), false);
  await revokeTokens(store, mailbox, clock.time);
  clock.advance(KNOWN_FOR);
  assert.equal(revocations.isKnownRevoked(grant), false, "it looks meanwhile");
  // The look was begun by the question itself.
  for (let turn = 0; turn < 1_000; turn++) {
    if (revocations.isKnownRevoked(grant)) break;
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.equal(revocations.isKnownRevoked(grant), true);
});

Deno.test("revoking again with a clock that was set back takes nothing back", async () => {
  using store = await openStore(":memory:");
  const clock = new ManualClock();
  const mailbox = await openMailbox(store, clock.time);
  await revokeTokens(store, mailbox, clock.time);
  await revokeTokens(store, mailbox, clock.time - 60_000);
  const revocations = new Revocations(store, clock);
  assert.equal(await revocations.isRevoked(grantOf(mailbox, clock.time)), true);
});

Deno.test("what was revoked by a clock ahead is forgotten with its mailbox, by those who knew of it too", async () => {
  using store = await openStore(":memory:");
  const clock = new ManualClock();
  const publicKey = freshKey();
  const mailbox = mailboxIdOf(publicKey);
  const open = (id: string) =>
    completeHandshake(store, { id, expires: 0, publicKey }, clock.time);
  await open("1");
  await revokeTokens(store, mailbox, clock.time + 3_600_000);
  const revocations = new Revocations(store, clock);
  const isRevoked = () => revocations.isRevoked(grantOf(mailbox, clock.time));
  assert.equal(await isRevoked(), true);
  assert.equal(await closeMailbox(store, mailbox, clock.time), true);
  await open("2");
  clock.advance(KNOWN_FOR);
  assert.equal(await isRevoked(), false);
});

Deno.test("Revocations asks the store once for many requests, and again after it failed", async () => {
  using store = await openStore(":memory:");
  const clock = new ManualClock();
  const mailbox = await openMailbox(store, clock.time);
  let reads = 0;
  let isAway = false;
  const counted = new Proxy(store, {
    get(store, name) {
      if (name !== "get") return Reflect.get(store, name);
      return <T>(key: Key<T>) => {
        reads += 1;
        return isAway
          ? Promise.reject(new Problem("busy", "away"))
          : store.get(key);
      };
    },
  });
  const revocations = new Revocations(counted, clock);
  const grant = grantOf(mailbox, clock.time);
  for (let i = 0; i < 100; i++) await revocations.isRevoked(grant);
  assert.equal(reads, 2, "the stamp, and the record");
  clock.advance(KNOWN_FOR);
  await revocations.isRevoked(grant);
  assert.equal(reads, 3, "the record has not changed");
  isAway = true;
  clock.advance(KNOWN_FOR);
  await assert.rejects(revocations.isRevoked(grant), Problem);
  assert.equal(
    revocations.isKnownRevoked(grant),
    false,
    "no stream ends for it",
  );
  await assert.rejects(revocations.isRevoked(grant), Problem);
  isAway = false;
  assert.equal(await revocations.isRevoked(grant), false, "at once");
});

Deno.test("revokeTokens() of a mailbox that is not here says so", async () => {
  using store = await openStore(":memory:");
  const nobody = mailboxIdOf(freshKey());
  await assert.rejects(
    revokeTokens(store, nobody, 1),
    (error) => error instanceof Problem && error.code === "mailbox-unknown",
  );
});

Deno.test("a worker remembers ten thousand mailboxes, and forgets the one it looked at first", async () => {
  using store = await openStore(":memory:");
  const clock = new ManualClock();
  let reads = 0;
  let stamp = "0";
  const counted = new Proxy(store, {
    get(store, name) {
      if (name !== "get") return Reflect.get(store, name);
      return <T>(key: Key<T>) => {
        reads += 1;
        const value = key[0] === "mailbox" ? { createdAt: 0 } : null;
        return Promise.resolve({ key, value, versionstamp: stamp });
      };
    },
  });
  const revocations = new Revocations(counted, clock);
  const grants = Array.from(
    { length: 10_001 },
    (_, i) => grantOf(String(i) as MailboxId, clock.time),
  );
  const look = async (i: number) => {
    const before = reads;
    const grant = grants[i];
    assert.ok(grant);
    await revocations.isRevoked(grant);
    return reads - before;
  };
  for (const i of grants.keys()) await look(i);
  assert.equal(await look(10_000), 0);
  assert.equal(await look(1), 0);
  assert.equal(await look(0), 1);
  // One that is looked at anew is behind the others again.
  stamp = "1";
  clock.advance(KNOWN_FOR);
  assert.equal(await look(2), 2, "the stamp, and the record");
  await look(1);
  assert.equal(await look(2), 0);
  assert.equal(await look(3), 1);
});
