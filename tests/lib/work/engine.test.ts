/** The engines against noble's SHA3-256 and the genuine node's ids. */
import assert from "node:assert/strict";
import { MAX_HASH } from "../../../lib/minima/constants.ts";
import {
  type Engine,
  ENGINE_NAMES,
  EngineError,
  openEngine,
} from "../../../lib/work/engine.ts";
import { BLOCK, DIGEST, LANE } from "../../../lib/work/keccak.ts";
import {
  hashAt,
  permutationsOf,
  type Puzzle,
  quickMask,
  stageOf,
} from "../../../lib/work/puzzle.ts";
import { MAX_BLOCKS } from "../../../lib/work/search_memory.ts";
import { testVectorsOfKinds, type Vector } from "../../vectors/mod.ts";
import { seededRandom } from "../randomness.ts";
import {
  chainedHash,
  chainedPuzzle,
  type Counted,
  firstLane,
  laneReader,
  leastOf,
  nobleHash,
  puzzleOf,
} from "./puzzles.ts";

const BLOCK_COUNTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const engines: readonly Engine[] = await Promise.all(
  ENGINE_NAMES.map((name) => openEngine(name)),
);
const readers = { simd: laneReader("simd"), scalar: laneReader("scalar") };

/** The first lane of a hash, by any engine. */
function laneOf(engine: Engine, puzzle: Puzzle, counter: number): bigint {
  return engine.name === "plain"
    ? firstLane(hashAt(puzzle, counter))
    : readers[engine.name](puzzle, counter);
}

/** A random message of so many blocks, of the shortest, longest or any length. */
function messageOf(blocks: number, seed: string): Uint8Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const any = (random(1)[0] ?? 0) % BLOCK;
  return random((blocks - 1) * BLOCK + any);
}

/** A random counter of six bytes. */
function counterOf(seed: string): number {
  return parseInt(seededRandom(`${seed} counter`)(6).toHex(), 16);
}

for (const engine of engines) {
  Deno.test(`${engine.name}: hashes as noble, at every lane of 1 to 12 blocks`, () => {
    for (const blocks of BLOCK_COUNTS) {
      const message = messageOf(blocks, `lanes ${blocks}`);
      for (let at = 0; at + LANE <= message.length; at += LANE) {
        const counted = { message, at };
        const counter = counterOf(`${blocks} ${at}`);
        assert.equal(
          laneOf(engine, puzzleOf(counted, 0n), counter),
          firstLane(nobleHash(counted, counter)),
          `${message.length} bytes, the counter at ${at}`,
        );
      }
    }
  });

  Deno.test(`${engine.name}: hashes as noble, at every length and place in a lane`, () => {
    for (let length = 8; length < 2 * BLOCK; length++) {
      const message = seededRandom(`length ${length}`)(length);
      const at = 8 * (length % Math.floor(length / 8)) + length % 3;
      const counted = { message, at };
      const counter = counterOf(`${length}`);
      assert.equal(
        laneOf(engine, puzzleOf(counted, 0n), counter),
        firstLane(nobleHash(counted, counter)),
        `${length} bytes`,
      );
    }
  });

  Deno.test(`${engine.name}: hashes a hash within a message as noble`, () => {
    for (const [bodyBlocks, blocks] of [[1, 1], [1, 2], [2, 3], [3, 5]]) {
      assert.ok(bodyBlocks !== undefined && blocks !== undefined);
      const counted = { message: messageOf(bodyBlocks, "body"), at: LANE };
      const outer = messageOf(blocks, `outer ${blocks}`);
      // Where the blocks meet, a hash stands in both.
      for (let slot = 0; slot + DIGEST <= outer.length; slot += LANE) {
        const counter = counterOf(`${bodyBlocks} ${slot}`);
        assert.equal(
          laneOf(engine, chainedPuzzle(counted, outer, slot, 0n), counter),
          firstLane(chainedHash(counted, outer, slot, counter)),
          `${bodyBlocks} and ${blocks} blocks, the hash at ${slot}`,
        );
      }
    }
  });

  Deno.test(`${engine.name}: search() finds the one that is below the target`, () => {
    for (const blocks of BLOCK_COUNTS) {
      const message = messageOf(blocks, `search ${blocks}`);
      const at = 8 * Math.floor(message.length / 16) + blocks % 3;
      const counted: Counted = {
        message,
        at: Math.min(at, message.length - 8),
      };
      const start = 256 ** 3 - 20; // over a byte's end
      const hashes = Array.from(
        { length: 50 },
        (_, i) => nobleHash(counted, start + i),
      );
      const { counter, target } = leastOf(hashes);
      const puzzle = puzzleOf(counted, target);
      const { search } = engine;
      assert.equal(search(puzzle, start, 50), start + counter);
      assert.equal(search(puzzle, start + counter, 1), start + counter);
      assert.equal(search(puzzle, start + counter + 1, 49 - counter), null);
      if (counter > 0) assert.equal(search(puzzle, start, counter), null);
      // Strictly below: the target itself is no hit.
      const strict = puzzleOf(counted, target - 1n);
      assert.equal(search(strict, start, 50), null);
    }
  });

  Deno.test(`${engine.name}: search() finds the first of several, and goes on`, () => {
    const counted = { message: messageOf(2, "several"), at: 16 };
    const target = MAX_HASH / 9n; // its quick test lets one in eight pass
    const puzzle = puzzleOf(counted, target);
    const expected: number[] = [];
    for (let i = 0; i < 200; i++) {
      const hash = nobleHash(counted, i).toHex();
      if (BigInt(`0x${hash}`) < target) expected.push(i);
    }
    const found: number[] = [];
    for (let from = 0; from < 200;) {
      const hit = engine.search(puzzle, from, 200 - from);
      if (hit === null) break;
      found.push(hit);
      from = hit + 1;
    }
    assert.ok(found.length > 5);
    assert.deepEqual(found, expected);
  });

  Deno.test(`${engine.name}: searches may take turns on one engine`, () => {
    const puzzles = [1, 3, 2].map((blocks) => {
      const counted = { message: messageOf(blocks, `${blocks}`), at: 0 };
      const hashes = Array.from(
        { length: 30 },
        (_, i) => nobleHash(counted, i),
      );
      const { counter, target } = leastOf(hashes);
      return { counter, puzzle: puzzleOf(counted, target) };
    });
    for (const { counter, puzzle } of [...puzzles, ...puzzles]) {
      assert.equal(engine.search(puzzle, 0, 30), counter);
    }
  });
}

interface UnitVector extends Vector {
  readonly raw: string;
  readonly valid: boolean;
  readonly canonical?: boolean;
  readonly headerHash?: string;
  readonly headerLength?: number;
}

testVectorsOfKinds<{ parse: UnitVector }>("txpow", {
  parse({ raw, canonical, headerHash, headerLength }) {
    // The id of what is not canonical is that of other bytes.
    if (canonical !== true) return;
    assert.ok(headerHash !== undefined && headerLength !== undefined);
    const message = Uint8Array.fromHex(raw).slice(0, headerLength);
    const expected = firstLane(Uint8Array.fromHex(headerHash.slice(2)));
    for (let at = 0; at + LANE <= message.length; at += 5 * LANE) {
      const bytes = message.slice(at, at + 6).reverse();
      const own = parseInt(bytes.toHex(), 16);
      const puzzle = puzzleOf({ message, at }, 0n);
      for (const engine of engines) {
        assert.equal(laneOf(engine, puzzle, own), expected, engine.name);
      }
    }
  },
});

Deno.test("quickMask() has the bits that are zero in all hashes below the target", () => {
  const rows: readonly (readonly [bigint, string])[] = [
    [MAX_HASH, "0000000000000000"],
    [2n ** 255n + 1n, "0000000000000000"],
    [2n ** 255n, "8000000000000000"],
    [2n ** 248n, "ff00000000000000"],
    [2n ** 248n + 1n, "fe00000000000000"],
    [2n ** 192n, "ffffffffffffffff"],
    [1n, "ffffffffffffffff"],
    [0n, "ffffffffffffffff"],
  ];
  for (const [target, expected] of rows) {
    const mask = quickMask(target).toString(16).padStart(16, "0");
    assert.equal(mask.match(/../g)?.reverse().join(""), expected);
  }
});

Deno.test("stageOf() refuses a slot that starts no lane", () => {
  assert.throws(() => stageOf(new Uint8Array(50), 4), RangeError);
});

Deno.test("an engine refuses a puzzle that its memory does not hold", async () => {
  const puzzle = (blocks: number) =>
    puzzleOf({ message: new Uint8Array(BLOCK * blocks - 1), at: 0 }, 0n);
  const { search } = await openEngine("scalar");
  assert.equal(permutationsOf(puzzle(MAX_BLOCKS)), MAX_BLOCKS);
  assert.equal(search(puzzle(MAX_BLOCKS), 0, 1), null);
  assert.throws(() => search(puzzle(MAX_BLOCKS + 1), 0, 1), RangeError);
});

Deno.test("openEngine() gives the fastest, and the same one again", async () => {
  const engine = await openEngine();
  assert.equal(engine.name, "simd");
  assert.equal(await openEngine("simd"), engine);
});

Deno.test("openEngine() does without what the platform lacks", async () => {
  const modules = new URL("../../../lib/work/engine.ts", import.meta.url);
  const { compile } = WebAssembly;
  try {
    for (const [working, expected] of [[1, "scalar"], [0, "plain"]] as const) {
      let left = working;
      WebAssembly.compile = (bytes) => {
        // The vectors' module is the one that comes first.
        const isFirst = left-- === working;
        if (isFirst || working === 0) throw new WebAssembly.CompileError("no");
        return compile(bytes as BufferSource);
      };
      const fresh: typeof import("../../../lib/work/engine.ts") = await import(
        `${modules.href}?${expected}`
      );
      assert.equal((await fresh.openEngine()).name, expected);
      await assert.rejects(
        fresh.openEngine("simd"),
        (error) => error instanceof fresh.EngineError,
      );
    }
  } finally {
    WebAssembly.compile = compile;
  }
  assert.ok(new EngineError("no") instanceof Error);
});
