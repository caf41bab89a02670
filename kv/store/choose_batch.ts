/** Which of those that wait are committed together next. */
import type { Cost, Part } from "./commit_part.ts";
import type { CommitLimits } from "./limits.ts";

/** One that waits. */
export interface Choosable {
  /** What is to be committed. */
  readonly part: Part<unknown>;
  /** Whether an operation with it was refused, and nobody knows for whom. */
  isSuspect: boolean;
}

/** By what it is chosen. */
export interface Choice<One> {
  /** Those whose operations are under way. */
  readonly underWay: readonly One[];
  /** What one operation may hold. */
  readonly limits: CommitLimits;
  /** Bytes that the parts of one order may add to the row that they share. */
  readonly rowBytes: number;
}

/** Parts of one operation, whatever else fits: a row has room for so many. */
const TOGETHER = 100;
/** Parts that are looked at for one operation. */
const LOOKED_AT = 1_000;

/** As many of the first that fit into one operation, and all others. */
export function chooseBatch<One extends Choosable>(
  waiting: readonly One[],
  { underWay, limits, rowBytes }: Choice<One>,
): { readonly taken: One[]; readonly left: One[] } {
  const taken: One[] = [];
  const left: One[] = [];
  const apart = new Set<string>();
  // Whoever has to wait, keeps those waiting that come after in its order.
  const blocked = new Set<string>();
  for (const { part } of underWay) {
    for (const name of part.order) blocked.add(name);
  }
  const room = { ...limits };
  const orders = new Set<string>();
  const rows = new Map<string | undefined, number>();
  for (const [i, one] of waiting.entries()) {
    if (i >= LOOKED_AT || taken.length >= TOGETHER) {
      left.push(...waiting.slice(i));
      break;
    }
    const { order, inRow = 0 } = one.part;
    const cost = costOf(one.part, orders);
    const row = inRow + (rows.get(order[0]) ?? 0);
    const fits = (inRow === 0 || row <= rowBytes) &&
      room.checks >= cost.checks &&
      room.mutations >= cost.mutations && room.bytes >= cost.bytes;
    // One that was refused may be so again, and all that it goes with.
    const isFit = taken.length === 0 ||
      !one.isSuspect && taken[0]?.isSuspect !== true ||
      order.every((name) => orders.has(name));
    const isFree = isFit && !order.some((name) => blocked.has(name)) &&
      !one.part.apart.some((name) => apart.has(name));
    // One that fits nowhere goes alone, for the store to refuse.
    if (isFree && (fits || taken.length === 0)) {
      for (const name of one.part.apart) apart.add(name);
      room.checks -= cost.checks;
      room.mutations -= cost.mutations;
      room.bytes -= cost.bytes;
      for (const name of order) orders.add(name);
      rows.set(order[0], row);
      taken.push(one);
    } else {
      for (const name of order) blocked.add(name);
      left.push(one);
    }
  }
  return { taken, left };
}

/** What a part adds to a batch that has parts of these orders already. */
function costOf(
  { cost, sharedCost, order }: Part<unknown>,
  orders: ReadonlySet<string>,
): Cost {
  const isShared = sharedCost === undefined ||
    order.every((name) => orders.has(name));
  if (isShared) return cost;
  return {
    checks: cost.checks + sharedCost.checks,
    mutations: cost.mutations + sharedCost.mutations,
    bytes: cost.bytes + sharedCost.bytes,
  };
}
