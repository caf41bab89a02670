/** A token among many who want it: renewed in time, once, and by nobody's abort but the last. */
import assert from "node:assert/strict";
import { HeldToken } from "../../client/held_token.ts";
import { ManualClock } from "../manual_clock.ts";
import { CountedSignal } from "./counted_signal.ts";

const LIFETIME = 900_000;
const MINUTE = 60_000;

/** A held token whose handshakes a test ends by hand. */
function openScene() {
  const clock = new ManualClock();
  const shakes: {
    readonly signal: AbortSignal;
    readonly grant: (token?: string) => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  const held = new HeldToken(clock, (signal) => {
    const shake = Promise.withResolvers<{ token: string; expires: number }>();
    const token = `token-${shakes.length + 1}`;
    shakes.push({
      signal,
      grant: () => shake.resolve({ token, expires: clock.time + LIFETIME }),
      fail: shake.reject,
    });
    return shake.promise;
  });
  return { clock, held, shakes };
}

Deno.test("HeldToken renews a token a minute before its end, not sooner and not later", async () => {
  const { clock, held, shakes } = openScene();
  const first = held.get();
  shakes[0]?.grant();
  assert.equal((await first).token, "token-1");
  clock.advance(LIFETIME - MINUTE - 1);
  assert.equal((await held.get()).token, "token-1");
  assert.equal(shakes.length, 1);
  clock.advance(1);
  const second = held.get();
  assert.equal(shakes.length, 2);
  shakes[1]?.grant();
  assert.equal((await second).token, "token-2");
});

Deno.test("HeldToken renews once for all who wait", async () => {
  const { held, shakes } = openScene();
  const waiting = [held.get(), held.get(), held.get()];
  assert.equal(shakes.length, 1);
  shakes[0]?.grant();
  const tokens = await Promise.all(waiting);
  assert.deepEqual(tokens.map(({ token }) => token), Array(3).fill("token-1"));
  await held.get();
  assert.equal(shakes.length, 1);
});

Deno.test("one waiter's abort does not reach the others", async () => {
  const { held, shakes } = openScene();
  const end = new AbortController();
  const leaving = held.get(end.signal);
  const staying = held.get(new AbortController().signal);
  const reason = new Error("enough");
  end.abort(reason);
  await assert.rejects(leaving, reason);
  assert.equal(shakes[0]?.signal.aborted, false);
  shakes[0]?.grant();
  assert.equal((await staying).token, "token-1");
});

Deno.test("the last waiter's abort ends the handshake, and the next begins another", async () => {
  const { held, shakes } = openScene();
  const ends = [new AbortController(), new AbortController()];
  const leaving = ends.map(({ signal }) => held.get(signal));
  const reason = new Error("enough");
  for (const [i, end] of ends.entries()) {
    end.abort(reason);
    await assert.rejects(leaving[i] ?? Promise.resolve(), reason);
    assert.equal(shakes[0]?.signal.aborted, i === 1);
  }
  const next = held.get();
  assert.equal(shakes.length, 2);
  shakes[1]?.grant();
  assert.equal((await next).token, "token-2");
});

Deno.test("a signal that is aborted already asks for nothing", async () => {
  const { held, shakes } = openScene();
  const reason = new Error("enough");
  await assert.rejects(held.get(AbortSignal.abort(reason)), reason);
  assert.equal(shakes.length, 0);
});

Deno.test("a handshake that fails fails for all who wait, and the next begins another", async () => {
  const { held, shakes } = openScene();
  const waiting = [held.get(), held.get()];
  const gone = new Error("gone");
  shakes[0]?.fail(gone);
  for (const one of waiting) await assert.rejects(one, gone);
  const next = held.get();
  shakes[1]?.grant();
  assert.equal((await next).token, "token-2");
});

Deno.test("drop() forgets the present token, and none that came after it", async () => {
  const { held, shakes } = openScene();
  const first = held.get();
  shakes[0]?.grant();
  await first;
  held.drop("token-0");
  assert.equal((await held.get()).token, "token-1");
  held.drop("token-1");
  const second = held.get();
  shakes[1]?.grant();
  await second;
  held.drop("token-1");
  assert.equal((await held.get()).token, "token-2");
  assert.equal(shakes.length, 2);
});

Deno.test("HeldToken leaves no listener on a signal, however the waiting ends", async () => {
  const { held, shakes } = openScene();
  const counted = new CountedSignal();
  const { signal } = counted;
  const first = held.get(signal);
  shakes[0]?.grant();
  await first;
  await held.get(signal);
  held.drop("token-1");
  const failing = held.get(signal);
  shakes[1]?.fail(new Error("gone"));
  await assert.rejects(failing, /gone/);
  const leaving = held.get(signal);
  assert.equal(counted.listeners, 1);
  counted.end(new Error("enough"));
  await assert.rejects(leaving, /enough/);
  assert.equal(counted.listeners, 0);
});
