import assert from "node:assert/strict";
import { Turns } from "../../relay/turns.ts";

Deno.test("Turns.take() lets so many of one key at once, the others in their order", async () => {
  const turns = new Turns<string>(2);
  const began: number[] = [];
  const taken = [0, 1, 2, 3].map(async (n) => {
    const turn = await turns.take("a");
    began.push(n);
    return turn;
  });
  const other = await turns.take("b");
  assert.deepEqual(began, [0, 1]);
  const [first, second, third, fourth] = taken;
  assert.ok(first && second && third && fourth);
  (await second)[Symbol.dispose]();
  (await second)[Symbol.dispose](); // and no other's turn
  const turn = await third;
  for (let n = 0; n < 9; n++) await null; // whoever may begin has begun
  assert.deepEqual(began, [0, 1, 2]);
  (await first)[Symbol.dispose]();
  (await fourth)[Symbol.dispose]();
  turn[Symbol.dispose]();
  assert.equal(turns.size, 1);
  other[Symbol.dispose]();
  assert.equal(turns.size, 0);
});
