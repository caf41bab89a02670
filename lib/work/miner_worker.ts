/** A miner: the worker that tries the slices which the pool sends. */
import { type Engine, engineOf } from "./engine.ts";
import type {
  EngineMessage,
  ReadyMessage,
  ReportMessage,
  SliceMessage,
} from "./miner_message.ts";

/** As much of a worker's global scope as is used here. */
interface MinerScope {
  onmessage: (event: MessageEvent<EngineMessage | SliceMessage>) => void;
  postMessage(message: ReadyMessage | ReportMessage): void;
}

const scope = globalThis as unknown as MinerScope;
let engine: Engine | null = null;

scope.onmessage = ({ data }) => {
  if ("engine" in data) {
    engine = engineOf(data.engine, data.module);
    scope.postMessage({ isReady: true });
    return;
  }
  if (engine === null) throw new Error("a slice before the engine");
  const { puzzle, slice: { start, count } } = data;
  const began = performance.now();
  const hit = engine.search(puzzle, start, count);
  const milliseconds = performance.now() - began;
  scope.postMessage({ isReady: false, hit, milliseconds });
};
