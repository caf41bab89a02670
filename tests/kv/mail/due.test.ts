/** The rows of what falls due. */
import assert from "node:assert/strict";
import { type DueItem, DueRows, hourOf } from "../../../kv/mail/due.ts";
import { keys } from "../../../kv/kinds.ts";
import { Operation } from "../../../kv/store/database.ts";
import { HOUR } from "../../routes/clock.ts";
import { newMailbox, NOW } from "../message_maker.ts";

Deno.test("DueRows writes every item once, in rows of 150 of an hour and a kind", () => {
  for (const count of [1, 149, 150, 151, 300, 301]) {
    const rows = new DueRows();
    const items: DueItem[] = Array.from(
      { length: count },
      (_, index) => ({ mailbox: newMailbox(), index }),
    );
    for (const item of items) rows.add("hold", NOW, item);
    const [other] = items;
    assert.ok(other);
    rows.add("mark", NOW, other);
    rows.add("hold", NOW + HOUR, other);
    const operation = new Operation();
    rows.finish(operation);
    const hour = hourOf(NOW);
    const parts = Array.from(
      { length: Math.ceil(count / 150) },
      (_, n) => items.slice(150 * n, 150 * n + 150),
    );
    assert.deepEqual(
      operation.mutations.map((one) =>
        one.kind === "set" ? [one.key, one.value] : null
      ),
      [
        ...parts.map((part, n) => [keys.newDue(hour, "hold", n), part]),
        [keys.newDue(hour, "mark", 0), [other]],
        [keys.newDue(hour + 1, "hold", 0), [other]],
      ],
    );
  }
});
