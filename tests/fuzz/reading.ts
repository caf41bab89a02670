/** Steps that read: pages at once or when there is something, and streams. */
import assert from "node:assert/strict";
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
  return { mailbox, after, limit, bandwidth, now };
}

type AskedFor = ReturnType<typeof askFor>;

async function fetchPage(
  fuzz: Fuzz,
  { mailbox, after, limit, bandwidth }: AskedFor,
  init: RequestInit = {},
) {
  const query = queryOf({ after, limit, bandwidth });
  const path = `/v1/mailboxes/${mailbox}/messages${query}`;
  const response = await fuzz.world.owner(mailbox).fetch(path, init);
  assert.equal(response.status, 200, "a page");
  return await response.json();
}

/** Some pages, or all there are. */
export const poll: Step = async (fuzz) => {
  const device = fuzz.device();
  await device.drop();
  const pages = fuzz.dice.chance(0.5) ? Infinity : 1;
  let read = 0;
  for (let more = true; more && read < pages; read++) {
    const asked = askFor(fuzz, device);
    const page = await fetchPage(fuzz, asked);
    checkPage(fuzz.model, asked, page);
    device.cursor = page.next;
    more = page.more;
  }
  return `${label(fuzz, device)} polls ${read} pages`;
};

const WAITING = { headers: { Prefer: "wait=30" } };

/** A page when there is something, which may come only now. */
export const longPoll: Step = async (fuzz) => {
  const device = fuzz.device();
  await device.drop();
  const { mailbox, cursor } = device;
  const asked = askFor(fuzz, device);
  const isEmpty = fuzz.model.above(mailbox, cursor, fuzz.now).length === 0;
  const waiting = fetchPage(fuzz, asked, WAITING);
  if (isEmpty) await store(fuzz, newMessage(fuzz, mailbox));
  const page = await within(waiting, "the answer to a long poll");
  checkPage(fuzz.model, { ...asked, isRaced: isEmpty }, page);
  assert.ok(page.messages.length > 0, "it waits for something");
  device.cursor = page.next;
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
  return `${label(fuzz, device)} polls, waits and is gone`;
};

/** A page while messages come in. */
export const pollAmidPosts: Step = async (fuzz) => {
  const device = fuzz.device();
  await device.drop();
  const asked = askFor(fuzz, device);
  const count = fuzz.dice.between(1, 5);
  const posts = Array.from({ length: count }, () => {
    const message = newMessage(fuzz, device.mailbox);
    return store(fuzz, message);
  });
  const reading = fetchPage(fuzz, asked);
  await Promise.all(posts);
  const page = await reading;
  checkPage(fuzz.model, { ...asked, isRaced: true }, page);
  device.cursor = page.next;
  return `${label(fuzz, device)} polls amid ${count} posts`;
};

/** A stream: opened, or opened anew in the same or the other way. */
export const openStream: Step = async (fuzz) => {
  const device = fuzz.device();
  const transport = fuzz.dice.chance(0.5) ? "events" : "socket";
  const bandwidth = fuzz.dice.pick(READER_LINKS) ?? Infinity;
  await device.open(transport, bandwidth);
  const most = fuzz.dice.chance(0.5) ? fuzz.dice.between(0, 4) : Infinity;
  const taken = await device.take(most);
  return `${label(fuzz, device)} opens ${transport}, takes ${taken}`;
};

/** Messages of a stream that is open. */
export const take: Step = async (fuzz) => {
  const live = fuzz.devices.filter((one) => one.isLive && !one.isOutlived);
  const device = fuzz.dice.pick(live);
  if (device === undefined) return await openStream(fuzz);
  if (fuzz.dice.chance(0.4)) {
    // Some of it is sent while it is taken.
    const count = fuzz.dice.between(1, 3);
    for (let i = 0; i < count; i++) {
      await store(fuzz, newMessage(fuzz, device.mailbox));
    }
  }
  const most = fuzz.dice.chance(0.5) ? fuzz.dice.between(1, 4) : Infinity;
  const taken = await device.take(most);
  return `${label(fuzz, device)} takes ${taken}`;
};

/** A connection breaks. */
export const drop: Step = async (fuzz) => {
  const live = fuzz.devices.filter((one) => one.isLive);
  const device = fuzz.dice.pick(live);
  if (device === undefined) return "no connection to drop";
  await device.drop();
  return `${label(fuzz, device)} loses its connection`;
};
