/** Memory of this process once nothing moves any more. */

/** Milliseconds between two looks. */
const LOOK_EVERY = 200;
/** Looks in a row that see the same. */
const SAME_LOOKS = 3;
/** Bytes that count as the same. */
const SAME_BYTES = 2 ** 20;

/** Resident bytes, without what is garbage where `--expose-gc` is given. */
export async function settledMemory(): Promise<number> {
  const { gc } = globalThis as { gc?: () => void };
  let last = 0;
  for (let same = 0; same < SAME_LOOKS;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    gc?.();
    const { rss } = Deno.memoryUsage();
    same = Math.abs(rss - last) < SAME_BYTES ? same + 1 : 0;
    last = rss;
  }
  return last;
}
