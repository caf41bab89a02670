/** Workers that unwrap: what they do, and what is done without them. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes.ts";
import type { UnwrappedKey } from "../../../lib/seal/pkcs1.ts";
import type { ExportableRsaKey } from "../../../lib/seal/rsa.ts";
import { wrap } from "../../../lib/seal/rsa.ts";
import type {
  KeyMessage,
  WorkerReply,
  WrappedMessage,
} from "../../../lib/seal/rsa_message.ts";
import { RsaPool } from "../../../lib/seal/rsa_pool.ts";
import { assertRejected } from "../problems.ts";
import { aesKey } from "./blocks.ts";
import { ALICE, numbersOf } from "./keys.ts";

const WRAPPED = wrap(numbersOf(ALICE.publicKey), aesKey(16));
const RIGHT: UnwrappedKey = { key: aesKey(16), valid: true };

/** Alice's key, which counts what is done here. */
function countedKey(): ExportableRsaKey & { here: number } {
  return {
    ...ALICE,
    here: 0,
    unwrap(wrapped) {
      this.here++;
      return ALICE.unwrap(wrapped);
    },
  };
}

/** Lets what workers say be heard. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** A worker that a test answers for. */
class HandMadeWorker {
  onmessage: ((event: MessageEvent<WorkerReply>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  onmessageerror: (() => void) | null = null;
  readonly sent: (KeyMessage | WrappedMessage)[] = [];
  readonly keyed = Promise.withResolvers<void>();
  isEnded = false;

  postMessage(message: KeyMessage | WrappedMessage): void {
    this.sent.push(message);
    if ("pkcs8" in message) this.keyed.resolve();
  }

  terminate(): void {
    this.isEnded = true;
  }

  say(data: WorkerReply): void {
    this.onmessage?.(new MessageEvent("message", { data }));
  }

  /** Does the oldest job that it was not asked to do yet. */
  work(): void {
    const { wrapped } = this.sent.at(-1) as WrappedMessage;
    this.say({ isReady: false, ...ALICE.unwrap(wrapped) });
  }

  fail(): Event {
    const event = new ErrorEvent("error", { cancelable: true });
    this.onerror?.(event);
    return event;
  }

  get wrapped(): Bytes[] {
    return this.sent.flatMap((each) => "wrapped" in each ? [each.wrapped] : []);
  }
}

/** A pool of workers that a test answers for. */
function handMade(options: { workers?: number; waiting?: number } = {}) {
  const made: HandMadeWorker[] = [];
  const key = countedKey();
  const pool = new RsaPool(key, {
    ...options,
    startWorker() {
      const worker = new HandMadeWorker();
      made.push(worker);
      return worker as unknown as Worker;
    },
  });
  return { pool, made, key };
}

/** Ends with a pool whose first worker is ready; its first job was done here. */
async function readyPool(options: { workers?: number; waiting?: number } = {}) {
  const parts = handMade(options);
  assert.deepEqual(await parts.pool.unwrap(WRAPPED), RIGHT);
  const [worker] = parts.made;
  assert.ok(worker);
  await worker.keyed.promise;
  worker.say({ isReady: true });
  parts.key.here = 0;
  return { ...parts, worker };
}

Deno.test("RsaPool unwraps in real workers, as the key itself does", async () => {
  const key = countedKey();
  using pool = new RsaPool(key);
  assert.equal(pool.size, 0, "nothing is started before it is needed");
  while (pool.size === 0) {
    assert.deepEqual(await pool.unwrap(WRAPPED), RIGHT);
    await turn();
  }
  key.here = 0;
  const all = await Promise.all(
    Array.from({ length: 40 }, () => pool.unwrap(WRAPPED)),
  );
  for (const unwrapped of all) assert.deepEqual(unwrapped, RIGHT);
  const wrong = new Uint8Array(128).fill(7);
  assert.deepEqual(await pool.unwrap(wrong), ALICE.unwrap(wrong));
  assert.equal(key.here, 0);
  assert.ok(pool.size <= 2);
});

Deno.test("RsaPool outlives real workers that die at their work", async () => {
  const key = countedKey();
  const source = `data:application/javascript,
    self.onmessage = ({ data }) => {
      if ("pkcs8" in data) self.postMessage({ isReady: true });
      else throw new Error("a worker that dies");
    };`;
  let started = 0;
  using pool = new RsaPool(key, {
    startWorker() {
      started++;
      return new Worker(source, { type: "module" });
    },
  });
  for (let deaths = 0; deaths < 3; deaths++) {
    while (pool.size === 0) {
      assert.deepEqual(await pool.unwrap(WRAPPED), RIGHT);
      await turn();
    }
    key.here = 0;
    assert.deepEqual(await pool.unwrap(WRAPPED), RIGHT);
    assert.equal(key.here, 1, "done here when the worker died of it");
    assert.equal(pool.size, 0);
  }
  assert.equal(started, 3);
  assert.deepEqual(await pool.unwrap(WRAPPED), RIGHT);
  assert.equal(started, 3, "and there it ends");
});

Deno.test("RsaPool does what it can here until a worker is ready", async () => {
  const { pool, made, key } = handMade();
  for (let n = 1; n <= 3; n++) {
    assert.deepEqual(await pool.unwrap(WRAPPED), RIGHT);
    assert.equal(key.here, n);
  }
  assert.equal(made.length, 1);
  await made[0]?.keyed.promise;
  pool.close();
});

Deno.test("RsaPool gives a worker the private key first, and then one job at a time", async () => {
  const { pool, worker, key } = await readyPool({ workers: 1 });
  assert.deepEqual(worker.sent, [{ pkcs8: await ALICE.exportPkcs8() }]);
  const other = wrap(numbersOf(ALICE.publicKey), aesKey(24));
  const jobs = [pool.unwrap(WRAPPED), pool.unwrap(other)];
  assert.deepEqual(worker.wrapped, [WRAPPED]);
  assert.equal(pool.waiting, 1);
  worker.work();
  assert.deepEqual(worker.wrapped, [WRAPPED, other]);
  assert.equal(pool.waiting, 0);
  worker.work();
  assert.deepEqual(await Promise.all(jobs), [
    RIGHT,
    { key: aesKey(24), valid: true },
  ]);
  assert.equal(key.here, 0);
  pool.close();
});

Deno.test("RsaPool starts a second worker when the first has something to do, and no third", async () => {
  const { pool, made, worker } = await readyPool();
  const jobs = [pool.unwrap(WRAPPED)];
  assert.equal(made.length, 1, "the first was idle");
  for (let n = 0; n < 3; n++) jobs.push(pool.unwrap(WRAPPED));
  assert.equal(made.length, 2);
  const second = made[1];
  assert.ok(second);
  await second.keyed.promise;
  assert.equal(pool.size, 1);
  second.say({ isReady: true });
  assert.equal(pool.size, 2);
  assert.equal(second.wrapped.length, 1);
  for (const one of [worker, second, worker, second]) one.work();
  assert.deepEqual(await Promise.all(jobs), jobs.map(() => RIGHT));
  pool.close();
});

Deno.test("RsaPool is busy with more than may wait, and not for long", async () => {
  const { pool, worker } = await readyPool({ workers: 1, waiting: 2 });
  const jobs = [1, 2, 3].map(() => pool.unwrap(WRAPPED));
  await assertRejected(pool.unwrap(WRAPPED), "busy");
  assert.equal(worker.wrapped.length, 1);
  worker.work();
  jobs.push(pool.unwrap(WRAPPED));
  for (let n = 0; n < 3; n++) worker.work();
  assert.deepEqual(await Promise.all(jobs), jobs.map(() => RIGHT));
  pool.close();
});

Deno.test("RsaPool does here what a worker died with, and what waited if it was the last", async () => {
  const { pool, made, worker, key } = await readyPool({ workers: 1 });
  const jobs = [pool.unwrap(WRAPPED), pool.unwrap(WRAPPED)];
  const event = worker.fail();
  assert.ok(event.defaultPrevented, "or Deno ends the whole program");
  assert.ok(worker.isEnded);
  assert.deepEqual(await Promise.all(jobs), [RIGHT, RIGHT]);
  assert.equal(key.here, 2);
  assert.equal(pool.size, 0);
  // What it says afterwards changes nothing.
  worker.say({ isReady: true });
  worker.fail();
  assert.equal(pool.size, 0);
  assert.deepEqual(await pool.unwrap(WRAPPED), RIGHT);
  assert.equal(made.length, 2, "another is started");
  pool.close();
});

Deno.test("RsaPool leaves what waits to the worker that is left", async () => {
  const { pool, made, worker, key } = await readyPool();
  const jobs = [1, 2, 3].map(() => pool.unwrap(WRAPPED));
  const second = made[1];
  assert.ok(second);
  await second.keyed.promise;
  second.say({ isReady: true });
  assert.deepEqual([pool.size, pool.waiting], [2, 1]);
  worker.onmessageerror?.();
  assert.equal(key.here, 1, "what the first was at");
  assert.deepEqual([pool.size, pool.waiting], [1, 1]);
  second.work();
  second.work();
  assert.deepEqual(await Promise.all(jobs), [RIGHT, RIGHT, RIGHT]);
  pool.close();
});

Deno.test("RsaPool gives up on workers that fail three times in a row, not on others", async () => {
  const { pool, made } = handMade({ workers: 1 });
  for (let n = 1; n <= 2; n++) {
    await pool.unwrap(WRAPPED);
    made.at(-1)?.fail();
  }
  await pool.unwrap(WRAPPED);
  const third = made.at(-1);
  await third?.keyed.promise;
  third?.say({ isReady: true });
  const job = pool.unwrap(WRAPPED);
  third?.work();
  await job;
  for (let n = 1; n <= 5; n++) {
    made.at(-1)?.fail();
    // What a worker says that was ended is not taken for work.
    made.at(-1)?.say({ isReady: false, ...RIGHT });
    await pool.unwrap(WRAPPED);
  }
  assert.equal(made.length, 5, "the third worked, and three more failed");
});

Deno.test("RsaPool does everything here where there are no workers", async () => {
  const key = countedKey();
  let tries = 0;
  const pool = new RsaPool(key, {
    startWorker() {
      tries++;
      throw new TypeError("no workers here");
    },
  });
  for (let n = 1; n <= 3; n++) {
    assert.deepEqual(await pool.unwrap(WRAPPED), RIGHT);
  }
  assert.deepEqual([tries, key.here, pool.size], [1, 3, 0]);
});

Deno.test("RsaPool that is closed ends its workers, starts no more, and leaves nobody waiting", async () => {
  const { pool, made, worker, key } = await readyPool({ workers: 1 });
  const jobs = [pool.unwrap(WRAPPED), pool.unwrap(WRAPPED)];
  pool[Symbol.dispose]();
  assert.ok(worker.isEnded);
  assert.deepEqual(await Promise.all(jobs), [RIGHT, RIGHT]);
  assert.deepEqual(await pool.unwrap(WRAPPED), RIGHT);
  assert.deepEqual([made.length, key.here], [1, 3]);
});
