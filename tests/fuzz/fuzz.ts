/** What every step of a schedule is given. */
import type { Dice } from "../crash/dice.ts";
import type { MailboxId } from "../../lib/ids.ts";
import { Device } from "./device.ts";
import { Model } from "./model.ts";
import type { Tally } from "./tally.ts";
import type { World } from "./world.ts";

/** A step: does something, checks what came of it, and gives it in words. */
export type Step = (fuzz: Fuzz) => Promise<string>;

/** A schedule under way. */
export class Fuzz {
  readonly model = new Model();
  readonly devices: readonly Device[];

  constructor(readonly dice: Dice, readonly world: World) {
    const mailboxes = world.mailboxes.slice(0, dice.between(1, 3)); // not the last
    this.devices = mailboxes.flatMap((mailbox) =>
      ["phone", "laptop", "tablet"].slice(0, dice.between(1, 3)).map((name) =>
        new Device(name, mailbox, world, this.model)
      )
    );
  }

  /** The clock of the relay. */
  get now(): number {
    return this.world.clock.time;
  }

  /** Where what is come upon is counted. */
  get tally(): Tally {
    return this.model.tally;
  }

  /** Mailboxes that have devices. */
  get mailboxes(): MailboxId[] {
    return [...new Set(this.devices.map(({ mailbox }) => mailbox))];
  }

  /** One of the devices. */
  device(): Device {
    return this.dice.pick(this.devices) as Device;
  }

  /** What this schedule calls a mailbox. */
  nameOf(mailbox: MailboxId): string {
    return "ABCD".charAt(this.world.mailboxes.indexOf(mailbox));
  }
}

/** What this schedule calls a device. */
export function label(fuzz: Fuzz, { name, mailbox }: Device): string {
  return `${name} of ${fuzz.nameOf(mailbox)}`;
}
