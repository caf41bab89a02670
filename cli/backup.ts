/** `restante backup` and `restante restore`: a copy of a relay's store. */
import type { Command } from "commander";
import { readConfig, SETTINGS } from "../config.ts";
import { type BackupCounts, backupStore } from "../kv/backup/backup.ts";
import { checkBackup, restoreStore } from "../kv/backup/restore.ts";
import { isFile } from "../kv/store/location.ts";
import { openStore } from "../kv/store/store.ts";
import type { Bytes } from "../lib/bytes.ts";
import { DEFAULT_WINDOW } from "../lib/work/check.ts";
import { chunksOf, openBackup } from "./backup_files.ts";
import { Progress } from "./bar.ts";
import { refuseExisting, writeAllTo, writeWhole } from "./files.ts";
import { type OutputOptions, printResult, UsageError } from "./output.ts";

interface StoreOptions extends OutputOptions {
  kv?: string;
}

interface BackupCommandOptions extends StoreOptions {
  force?: boolean;
}

interface RestoreCommandOptions extends StoreOptions {
  workWindow?: string;
}

const { kv, workWindow } = SETTINGS;
const KV_TEXT = `${kv.describe} (${kv.variable}, ${kv.fallback})`;

/** Adds the commands. */
export function addBackup(program: Command): void {
  program.command("backup")
    .summary("copy a relay's store into a file")
    .description(
      "Copies a store, which may be in use, into a file. The relay's private keys are " +
        "in it: only you can read it, and it has to stay so.",
    )
    .argument("<file>", "where to write it, or - for standard output")
    .option("--kv <location>", KV_TEXT)
    .option("--force", "overwrite the file")
    .option("--json", "print what is in it as one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  restante backup --kv data/restante.kv restante.backup",
    )
    .action(backup);

  program.command("restore")
    .summary("make a relay's store from such a file")
    .description(
      "Restores a backup into a store that is new or empty; the whole file is checked " +
        "before anything is written. Readers begin again at the oldest message held. " +
        "No relay may use the store meanwhile.",
    )
    .argument("<file>", "what `restante backup` wrote, or - for standard input")
    .option("--kv <location>", KV_TEXT)
    .option(
      "--work-window <seconds>",
      `${workWindow.describe} (${workWindow.variable}, ${workWindow.fallback})`,
    )
    .option("--json", "print what was restored as one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  restante restore --kv data/new.kv restante.backup",
    )
    .action(restore);
}

async function backup(
  file: string,
  options: BackupCommandOptions,
): Promise<void> {
  const isPiped = file === "-";
  if (isPiped && Deno.stdout.isTerminal()) {
    throw new UsageError("private keys are not for a terminal: name a file");
  }
  if (!isPiped && !options.force) await refuseExisting(file);
  const location = locationOf(options);
  await requireStore(location);
  using store = await openStore(location);
  const isShown = !options.json && Deno.stderr.isTerminal();
  const copy = (write: (bytes: Bytes) => Promise<void>) =>
    backupStore(store, {
      write,
      now: Date.now,
      onProgress({ messages, bytes }) {
        if (isShown) note(`\r${messages} messages, ${sized(bytes)}`);
      },
    });
  const counts = isPiped
    ? await copy(writeAllTo(Deno.stdout))
    : await writeWhole(file, options.force ?? false, copy);
  if (isShown) note("\n");
  if (counts.damaged > 0) {
    note(
      `warning: ${counts.damaged} messages were left out: they are damaged in the store\n`,
    );
  }
  const text = `backup    ${file}\n${backupText(counts)}`;
  // The backup itself is on standard output: what is said of it is not.
  if (!isPiped) await printResult(options, { file, ...counts }, text);
  else note(`${options.json ? JSON.stringify({ file, ...counts }) : text}\n`);
}

function backupText(
  { messages, marks, mailboxes, readers, bytes }: BackupCounts,
): string {
  return [
    `mail      ${messages} messages in ${mailboxes} mailboxes`,
    `besides   ${marks} marks, ${readers} readers`,
    `size      ${sized(bytes)}`,
  ].join("\n");
}

async function restore(
  path: string,
  options: RestoreCommandOptions,
): Promise<void> {
  const config = configOf(options);
  using file = await openBackup(path);
  const total = (await file.stat()).size;
  using progress = new Progress(options);
  let last = "";
  const checked = await checkBackup({
    read: () => chunksOf(file),
    now: Date.now,
    workWindow: DEFAULT_WINDOW.ahead + 1_000 * config.workWindow,
    onProgress(step, bytes) {
      if (step !== last) progress.begin(step, total);
      last = step;
      progress.update(bytes);
    },
  });
  using store = await openStore(config.kv);
  const restored = await restoreStore(store, checked);
  progress.finish();
  const { messages, marks, mailboxes, readers, expired, epoch, madeAt } =
    restored;
  await printResult(
    options,
    { kv: config.kv, ...restored },
    [
      `restored  ${config.kv}, as it was at ${new Date(madeAt).toISOString()}`,
      `mail      ${messages} messages in ${mailboxes} mailboxes; ${expired} have expired since`,
      `besides   ${marks} marks of messages deleted, ${readers} readers`,
      `epoch     ${epoch}`,
    ].join("\n"),
  );
}

function configOf(options: RestoreCommandOptions) {
  const flags = new Map([
    [kv.variable, options.kv],
    [workWindow.variable, options.workWindow],
  ]);
  const known = [kv.variable, workWindow.variable];
  return readConfig((variable) =>
    // The others are the relay's own, and may be wrong here.
    known.includes(variable)
      ? flags.get(variable) ?? Deno.env.get(variable)
      : undefined
  );
}

function locationOf(options: StoreOptions): string {
  return configOf(options).kv;
}

/** There is no such store, or no such file. */
class StoreMissingError extends Error {
  readonly code = "store-missing";
}

/** Opening a store would make it, and an empty backup would look like one. */
export async function requireStore(location: string): Promise<void> {
  if (!isFile(location)) return;
  try {
    await Deno.stat(location);
  } catch (cause) {
    throw new StoreMissingError(`there is no store at ${location}`, { cause });
  }
}

function sized(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function note(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
