/** Counting what a store holds. */
import type { Store } from "../../../kv/store/store.ts";
import { dump } from "../../routes/relay_fixture.ts";

/** How many entries a store has of each kind. */
export async function kindsIn(store: Store): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { key: [kind] } of await dump(store)) {
    counts[String(kind)] = (counts[String(kind)] ?? 0) + 1;
  }
  return counts;
}
