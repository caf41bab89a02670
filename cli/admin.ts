/** `restante admin`: what an operator does with a store beside its relay. */
import type { Command } from "commander";
import { readConfig, SETTINGS, termsOf } from "../config.ts";
import { openStore } from "../kv/store/store.ts";
import { parseMailboxId } from "../lib/ids.ts";
import type { Quota } from "../lib/quota.ts";
import {
  type Administration,
  currentPrice,
  evict,
  type FillReport,
  largestMailboxes,
  type MailboxReport,
  overrideQuota,
  revoke,
} from "../relay/admin.ts";
import { requireStore } from "./backup.ts";
import { type OutputOptions, printResult, UsageError } from "./output.ts";

interface AdminOptions extends OutputOptions {
  kv?: string;
}

/** Mailboxes listed, if nothing else is said. */
const DEFAULT_LIMIT = 20;
/** Most that are asked for at once. */
const MAX_LIMIT = 100_000;

/** Adds the commands. */
export function addAdmin(program: Command): void {
  const admin = program.command("admin")
    .summary("look after the mailboxes of a relay's store")
    .description(
      "Works on the store itself, which a relay may be using. Quotas and prices are " +
        "those of the environment, which is to be the relay's.",
    )
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  restante admin mailboxes --kv data/restante.kv",
    )
    // What stands behind a subcommand is its own; before it, it is for each.
    .enablePositionalOptions()
    .hook("preAction", (_, command) => {
      if (admin.opts<OutputOptions>().json) {
        command.setOptionValue("json", true);
      }
    });
  const add = (name: string, description: string, example: string) =>
    admin.command(name).description(description)
      .option(
        "--kv <location>",
        `${SETTINGS.kv.describe} (${SETTINGS.kv.variable}, ${SETTINGS.kv.fallback})`,
      )
      .option("--json", "print one JSON document")
      .addHelpText("after", `\nExample:\n  restante admin ${example}`);

  add(
    "mailboxes",
    "Lists the mailboxes that hold most, how full each is, and what that does to its price.",
    "mailboxes --limit 10",
  ).option("--limit <count>", "how many", String(DEFAULT_LIMIT))
    .action(listMailboxes);

  add(
    "evict",
    "Deletes what a mailbox holds. It was paid for: senders and reader are not told.",
    "evict 1f0c… --before 2026-01-31 --yes",
  ).argument("<mailbox>", "its id")
    .option("--before <time>", "what was stored before: a date, or Unix ms")
    .option("--all", "everything")
    .option("--yes", "really")
    .action(evictMail);

  add(
    "quota",
    "Gives a mailbox a quota of its own.",
    "quota 1f0c… --bytes 1000000000",
  ).argument("<mailbox>", "its id")
    .option("--bytes <count>", SETTINGS.mailboxBytes.describe)
    .option("--messages <count>", SETTINGS.mailboxMessages.describe)
    .option("--reset", "the relay's own again")
    .action(setQuota);

  add(
    "revoke",
    "Refuses every token of a mailbox that was issued until now, on every worker within " +
      "seconds. Its owner gets a new one by a handshake.",
    "revoke 1f0c…",
  ).argument("<mailbox>", "its id").action(revokeAll);

  add(
    "price",
    "Shows the base rates, and what the relay's fill makes of them now.",
    "price",
  ).action(showPrice);
}

async function listMailboxes(
  options: AdminOptions & { limit: string },
): Promise<void> {
  const limit = countOf("--limit", options.limit, MAX_LIMIT);
  await administer(options, async (admin) => {
    const report = await largestMailboxes(admin, limit);
    const lines = report.mailboxes.map((mailbox) =>
      `${mailbox.id}  ${fillText(mailbox)}${remarks(mailbox)}`
    );
    const total = `${lines.length} of ${report.total} mailboxes`;
    await printResult(options, report, [...lines, total].join("\n"));
  });
}

async function evictMail(
  id: string,
  options: AdminOptions & { before?: string; all?: boolean; yes?: boolean },
): Promise<void> {
  const mailbox = parseMailboxId(id);
  if ((options.before === undefined) === (options.all !== true)) {
    throw new UsageError("say what to delete: --before TIME, or --all");
  }
  const before = options.before === undefined ? null : timeOf(options.before);
  if (!options.yes) {
    throw new UsageError("this deletes mail that was paid for: add --yes");
  }
  await administer(options, async (admin) => {
    const evicted = await evict(admin, mailbox, before);
    await printResult(
      options,
      { mailbox, ...evicted },
      `evicted  ${evicted.messages} messages, ${evicted.bytes} bytes`,
    );
  });
}

async function setQuota(
  id: string,
  options: AdminOptions & {
    bytes?: string;
    messages?: string;
    reset?: boolean;
  },
): Promise<void> {
  const mailbox = parseMailboxId(id);
  const { bytes, messages, reset = false } = options;
  const hasChange = bytes !== undefined || messages !== undefined;
  if (hasChange === reset) {
    throw new UsageError("say what to change: --bytes, --messages, or --reset");
  }
  const change: Partial<Quota> = {
    ...(bytes !== undefined && { bytes: countOf("--bytes", bytes) }),
    ...(messages !== undefined && {
      messages: countOf("--messages", messages),
    }),
  };
  await administer(options, async (admin) => {
    const quota = await overrideQuota(admin, mailbox, reset ? null : change);
    await printResult(
      options,
      { mailbox, quota, isOwn: !reset },
      `quota    ${quota.bytes} bytes, ${quota.messages} messages${
        reset ? ", the relay's own" : ""
      }`,
    );
  });
}

async function revokeAll(id: string, options: AdminOptions): Promise<void> {
  const mailbox = parseMailboxId(id);
  await administer(options, async (admin) => {
    const revokedAt = await revoke(admin, mailbox);
    await printResult(
      options,
      { mailbox, revokedAt },
      `revoked  all tokens issued until ${new Date(revokedAt).toISOString()}`,
    );
  });
}

async function showPrice(options: AdminOptions): Promise<void> {
  await administer(options, async (admin) => {
    const report = await currentPrice(admin);
    const { work, tariff, relay } = report;
    await printResult(
      options,
      report,
      [
        `work     ${work.hashes} hashes keep ${work.bytes} bytes for ${work.seconds} s`,
        `hold     ${work.holdSeconds.min} to ${work.holdSeconds.max} s`,
        `fee      ${tariff.relayPer465Bytes} μ for 465 bytes, ${tariff.storagePerMiBHour} μ for a MiB and hour`,
        `relay    ${fillText(relay)}`,
      ].join("\n"),
    );
  });
}

/** Opens the store for as long as something is done with it. */
async function administer(
  { kv }: AdminOptions,
  act: (admin: Administration) => Promise<void>,
): Promise<void> {
  const config = readConfig((variable) =>
    variable === SETTINGS.kv.variable && kv !== undefined
      ? kv
      : Deno.env.get(variable)
  );
  await requireStore(config.kv);
  using store = await openStore(config.kv);
  await act({
    store,
    ...termsOf(config),
    now: Date.now,
  });
}

function fillText({ usage, fill, factor }: FillReport): string {
  return `${usage.messages} messages, ${usage.bytes} bytes, ${
    (100 * fill).toFixed(1)
  } % full, price × ${factor}`;
}

function remarks({ hasOwnQuota, revokedAt }: MailboxReport): string {
  return [
    ...(hasOwnQuota ? [", quota of its own"] : []),
    ...(revokedAt === null
      ? []
      : [`, tokens revoked at ${new Date(revokedAt).toISOString()}`]),
  ].join("");
}

function countOf(option: string, text: string, most = 1e15): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= most) return count;
  throw new UsageError(`${option} is a whole number from 1 to ${most}`);
}

/** Unix milliseconds of a date or of digits. */
function timeOf(text: string): number {
  const time = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isSafeInteger(time)) return time;
  throw new UsageError(
    "--before is a date such as 2026-01-31, or Unix milliseconds",
  );
}
