/** A relay under load that is killed again and again. */
import assert from "node:assert/strict";
import { RelayProcess } from "../journeys/process.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { Dice } from "./dice.ts";
import { Inbox } from "./inbox.ts";
import { acknowledge, Load, post, read } from "./load.ts";
import { assertNothingLost, assertNoTraces } from "./verdict.ts";

/** Mailboxes that keep their mail; one more is read and emptied. */
const KEPT = 3;
const POSTERS = 5;
/** Milliseconds from the start of the load to the kill. */
const LIFE = { least: 50, most: 400 };

/** What happened, in numbers. */
export interface CrashReport {
  readonly kills: number;
  /** Messages that the relay answered for. */
  readonly messages: number;
  /** Of these, those whose answer a kill cut off… */
  readonly cutOff: number;
  /** …and of these, those that had been stored by then. */
  readonly storedUnheard: number;
  readonly sendings: number;
  readonly refused: number;
}

/** Kills a relay so many times; what must hold afterwards is asserted. */
export async function crash(seed: number, kills: number): Promise<CrashReport> {
  await using directory = await TempDirectory.make();
  const dice = new Dice(seed);
  const file = directory.file("store.kv");
  let relay = await RelayProcess.start("--port", "0", "--kv", file);
  try {
    const { url } = relay;
    const load = await openLoad(url);
    const emptied = await Inbox.open(url);
    const all = new Load([...load, emptied]);
    let life = dice.between(LIFE.least, LIFE.most);
    await all.prepare(life, dice.fork());
    let cutOff = 0;
    for (let kill = 0; kill < kills; kill++) {
      all.begin();
      const busy = Promise.all([
        ...Array.from({ length: POSTERS }, () => post(all, url, dice.fork())),
        read(all, dice.fork()),
        acknowledge(emptied, dice.fork()),
      ]);
      const isBusy = await Promise.race([
        busy.then(() => false),
        passing(life).then(() => true),
      ]);
      assert.ok(isBusy, "the relay gave up before it was killed");
      await relay.end("SIGKILL");
      await busy;
      life = dice.between(LIFE.least, LIFE.most);
      const preparing = all.prepare(life, dice.fork());
      relay = await restart(url, file);
      await preparing;
      cutOff += await all.settle(url);
      await emptied.settleAcknowledgement();
    }
    await assertNothingLost(all, url, dice);
    await relay.end("SIGKILL");
    const refused = all.refusals.filter(({ isAnswered }) => isAnswered);
    await assertNoTraces(file, refused);
    return {
      kills,
      messages: all.postings.length,
      cutOff,
      storedUnheard: all.postings.filter(({ isUnheard }) => isUnheard).length,
      sendings: all.postings.reduce((sum, { sendings }) => sum + sendings, 0),
      refused: refused.length,
    };
  } finally {
    await relay[Symbol.asyncDispose]();
  }
}

async function openLoad(url: string): Promise<Inbox[]> {
  const inboxes: Inbox[] = [];
  while (inboxes.length < KEPT) inboxes.push(await Inbox.open(url));
  return inboxes;
}

async function restart(url: string, file: string): Promise<RelayProcess> {
  const port = new URL(url).port;
  const relay = await RelayProcess.start("--port", port, "--kv", file);
  assert.equal(relay.url, url);
  return relay;
}

/** The schedule's time: it decides when the relay dies. */
function passing(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
