/** Steps that read in pages: at once, or when there is something. */
import assert from "node:assert/strict";
import { registerReader } from "../../kv/mail/readers.ts";
import { elementPage, ELEMENTS } from "../routes/elements.ts";
import type { Page } from "../routes/owner.ts";
import { checkPage } from "./check.ts";
import { type Device, within } from "./device.ts";
import { type Fuzz, label, type Step } from "./fuzz.ts";
import { queryOf, READER_LINKS } from "./live_reader.ts";
import { newMessage, store } from "./posting.ts";

const LIMITS = [1, 2, 3, 7, 100, 1_000];

function askFor(fuzz: Fuzz, { mailbox, cursor: after }: Device) {
  const { dice, now } = fuzz;
  const limit = dice.pick(LIMITS) ?? 100;
  const bandwidth = dice.pick(READER_LINKS) ?? Infinity;
  const isBinary = dice.chance(0.5);
  return { mailbox, after, limit, bandwidth, now, isBinary };
}

type AskedFor = ReturnType<typeof askFor>;

async function fetchPage(
  fuzz: Fuzz,
  { mailbox, after, limit, bandwidth, isBinary }: AskedFor,
  init: RequestInit = {},
): Promise<Page> {
  const query = queryOf({ after, limit, bandwidth });
  const path = `/v1/mailboxes/${mailbox}/messages${query}`;
  const { world, tally } = fuzz;
  const headers = { ...init.headers, ...(isBinary && ELEMENTS) };
  const response = await world.ask(() =>
    world.owner(mailbox).fetch(path, { ...init, headers })
  );
  assert.equal(response.status, 200, "a page");
  if (!isBinary) return await response.json();
  tally.count("pages of elements");
  return await elementPage(response);
}

/** Holds a page to the model; the device has it from then on. */
function take(
  { model }: Fuzz,
  device: Device,
  asked: Parameters<typeof checkPage>[1],
  page: Parameters<typeof checkPage>[2],
): void {
  checkPage(model, asked, page);
  for (const message of page.messages) device.got(message);
  device.cursor = page.next;
}

/** Some pages, or all there are. */
export const poll: Step = async (fuzz) => {
  const device = fuzz.device();
  await device.turnTo("pages");
  if (!fuzz.model.isKnown(device) && fuzz.dice.chance(0.7)) {
    const { mailbox, name } = device;
    await registerReader(fuzz.world.store(), mailbox, name, fuzz.now);
    fuzz.model.register(mailbox, name);
    fuzz.tally.count("readers noted at their first read");
  }
  const pages = fuzz.dice.chance(0.5) ? Infinity : 1;
  let read = 0;
  for (let more = true; more && read < pages; read++) {
    const asked = askFor(fuzz, device);
    const page = await fetchPage(fuzz, asked);
    take(fuzz, device, asked, page);
    more = page.more;
  }
  fuzz.tally.count("polls");
  return `${label(fuzz, device)} polls ${read} pages`;
};

const WAITING = { headers: { Prefer: "wait=30" } };

/** A page when there is something, which may come only now. */
export const longPoll: Step = async (fuzz) => {
  const device = fuzz.device();
  await device.turnTo("pages");
  const { mailbox, cursor } = device;
  const asked = askFor(fuzz, device);
  const isEmpty = fuzz.model.above(mailbox, cursor, fuzz.now).length === 0;
  const waiting = fetchPage(fuzz, asked, WAITING);
  if (isEmpty) await store(fuzz, newMessage(fuzz, mailbox));
  const page = await within(waiting, "the answer to a long poll");
  take(fuzz, device, { ...asked, isRaced: isEmpty }, page);
  assert.ok(page.messages.length > 0, "it waits for something");
  fuzz.tally.count(isEmpty ? "long polls that wait" : "long polls");
  return `${label(fuzz, device)} polls and waits${isEmpty ? ", mail" : ""}`;
};

/** A long poll that nobody waits for any more. */
export const droppedPoll: Step = async (fuzz) => {
  const device = fuzz.device();
  const gone = new AbortController();
  const { signal } = gone;
  const waiting = fetchPage(fuzz, askFor(fuzz, device), { ...WAITING, signal });
  if (fuzz.dice.chance(0.5)) await Promise.resolve();
  gone.abort();
  await within(waiting.catch(() => {}), "the end of a dropped poll");
  fuzz.tally.count("long polls cut off");
  return `${label(fuzz, device)} polls, waits and is gone`;
};

/** A page while messages come in. */
export const pollAmidPosts: Step = async (fuzz) => {
  const device = fuzz.device();
  const count = fuzz.dice.between(1, 5);
  const posts = Array.from({ length: count }, () => {
    const message = newMessage(fuzz, device.mailbox);
    return store(fuzz, message);
  });
  await readAmid(fuzz, device, posts);
  return `${label(fuzz, device)} polls amid ${count} posts`;
};

/** A page, while what was begun goes on; ends once both have. */
export async function readAmid(
  fuzz: Fuzz,
  device: Device,
  posts: readonly Promise<unknown>[],
): Promise<void> {
  const asked = askFor(fuzz, device);
  const reading = fetchPage(fuzz, asked);
  const [page] = await Promise.all([reading, device.turnTo("pages"), ...posts]);
  take(fuzz, device, { ...asked, isRaced: true }, page);
  fuzz.tally.count("polls amid posts");
}
