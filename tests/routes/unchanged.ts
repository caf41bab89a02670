/** Requests that must leave the store as it was. */
import assert from "node:assert/strict";
import type { TestRelay } from "./relay_fixture.ts";

/** Fails if anything in the relay's store is another after `action`. */
export async function assertUnchanged<T>(
  relay: TestRelay,
  action: () => Promise<T>,
): Promise<T> {
  const before = await relay.dump();
  const result = await action();
  assert.deepEqual(await relay.dump(), before, "the store is as it was");
  return result;
}
