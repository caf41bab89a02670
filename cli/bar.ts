/** Progress of the steps that take long, on a terminal. */
// @ts-types="@types/cli-progress"
import progress from "cli-progress";
import type { OutputOptions } from "./output.ts";

/** Shows one step after another; nothing in a pipe or with `--json`. */
export class Progress implements Disposable {
  readonly #isShown: boolean;
  #bar: progress.SingleBar | null = null;
  #total = 0;

  constructor({ json }: OutputOptions) {
    this.#isShown = !json && Deno.stderr.isTerminal();
  }

  /** Begins a step; the one before it is done. */
  begin(label: string, total: number): void {
    this.finish();
    if (!this.#isShown) return;
    this.#total = total;
    this.#bar = new progress.SingleBar({
      format: `${label.padEnd(7)} {bar} {percentage}% {duration_formatted}`,
      barsize: 30,
      hideCursor: true,
    }, progress.Presets.rect);
    this.#bar.start(total, 0);
  }

  /** Tells how much of the step is done. Mining may take longer than it does on
   * average: the bar waits just before its end. */
  update(done: number): void {
    this.#bar?.update(Math.min(done, Math.floor(0.99 * this.#total)));
  }

  /** The step is done. */
  finish(): void {
    this.#bar?.update(this.#total);
    this[Symbol.dispose]();
  }

  /** Leaves the terminal as it was, whether the step is done or not. */
  [Symbol.dispose](): void {
    this.#bar?.stop();
    this.#bar = null;
  }
}
