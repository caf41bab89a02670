/** What the process takes of its machine, by the names Prometheus has for it. */
import process from "node:process";
import type { Metrics } from "../lib/metrics.ts";
import { VERSION } from "../lib/version.ts";

/** Adds the gauges. `now` gives Unix milliseconds. */
export function observeProcess(metrics: Metrics, now: () => number): void {
  const startedAt = now();
  metrics.gauge(
    "restante_build_info",
    "1, and what runs.",
    () => [[{ version: VERSION, deno: Deno.version.deno }, 1]],
  );
  metrics.gauge(
    "process_start_time_seconds",
    "When the relay was started, in Unix seconds.",
    () => startedAt / 1_000,
  );
  metrics.gauge(
    "restante_uptime_seconds",
    "Seconds since the relay was started.",
    () => (now() - startedAt) / 1_000,
  );
  metrics.gauge(
    "process_cpu_seconds_total",
    "Processor time taken, in seconds.",
    () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  );
  metrics.gauge(
    "process_resident_memory_bytes",
    "Memory that the process has.",
    () => Deno.memoryUsage().rss,
  );
  metrics.gauge(
    "restante_heap_bytes",
    "Memory of JavaScript's values.",
    () => Deno.memoryUsage().heapUsed,
  );
  // Deno lets none but a process that may do everything look there: else these
  // two fail, and are left out.
  metrics.gauge(
    "process_open_fds",
    "Descriptors that are open.",
    () => [...Deno.readDirSync("/proc/self/fd")].length,
  );
  metrics.gauge(
    "process_max_fds",
    "Descriptors that may be open.",
    async () => softLimit(await Deno.readTextFile("/proc/self/limits")),
  );
}

/** The soft limit of open files in the text of `/proc/self/limits`. */
export function softLimit(limits: string): number {
  const [, soft] = /^Max open files +(\d+|unlimited)/m.exec(limits) ?? [];
  if (soft === undefined) throw new TypeError("the limits name no open files");
  return soft === "unlimited" ? Infinity : Number(soft);
}
