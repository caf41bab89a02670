/** What schedules come upon, counted: else it might never happen at all. */

/** What every run of some hundred schedules has to meet with. */
export const EVENTS = [
  "posts",
  "posts by what is remembered",
  "posts refused by what is remembered",
  "posts at once to one mailbox",
  "posts at once to one mailbox by two workers",
  "posts at once to several mailboxes",
  "messages of one mailbox in one commit",
  "commits that fail amid a burst",
  "commits of a burst that were done and failed",
  "posts of a burst told to come again",
  "bursts beyond a mailbox's quota",
  "bursts beyond a quota by two workers",
  "bursts beyond the relay's quota",
  "posts by the front door",
  "posts by the front door at once",
  "replays",
  "replays by the front door",
  "extensions",
  "extensions by the front door",
  "messages paid with more",
  "wishes that extend nothing",
  "posts too late",
  "races of one message",
  "races of one message by the front door",
  "posts cut off",
  "posts cut off that were stored",
  "stalled readers",
  "uploads stalled and cut",
  "sockets with bad parameters",
  "polls",
  "polls amid posts",
  "pages of elements",
  "long polls",
  "long polls that wait",
  "long polls cut off",
  "event streams",
  "event streams by TCP",
  "sockets",
  "sockets of elements",
  "switches to another way",
  "switches to another way in mid-stream",
  "connections dropped",
  "connections dropped with mail on its way",
  "messages streamed",
  "messages streamed where doorbells are lost",
  "tombstones paged",
  "tombstones streamed",
  "bodies too much for the link paged",
  "bodies too much for the link streamed by events",
  "bodies too much for the link streamed by socket",
  "bodies asked for",
  "bodies asked for that are gone",
  "cursors of other stores",
  "acknowledgements",
  "acknowledgements that go back",
  "acknowledgements that delete",
  "deletes",
  "readers noted at their first read",
  "acknowledgements that wait for another reader",
  "mailboxes closed",
  "posts amid the closing of their mailbox",
  "posts refused amid the closing of their mailbox",
  "sweeps",
  "sweeps amid posts",
  "marks that ended",
  "spans of time",
  "holds that end",
  "tokens that end",
  "restarts",
  "streams ended by a restart",
] as const;

/** What they meet with besides where a server keeps their store. */
export const SERVER_EVENTS = [
  "kills of the store's server",
  "posts under way at a kill",
  "posts by the front door under way at a kill",
  "reads under way at a kill",
  "acknowledgements under way at a kill",
  "deletes under way at a kill",
  "streams open at a kill",
] as const;

/** What they may meet with then, but seldom do. */
const SELDOM = [
  "streams that a kill broke",
  "askings told to come again",
] as const;

const ALL = [...EVENTS, ...SERVER_EVENTS, ...SELDOM] as const;

/** Something that happens in a schedule. */
export type Event = typeof ALL[number];

/** Counts events. */
export class Tally {
  readonly #counts = new Map<Event, number>();

  /** Counts one, or so many at once. */
  count(event: Event, times = 1): void {
    this.#counts.set(event, this.of(event) + times);
  }

  /** How many there were. */
  of(event: Event): number {
    return this.#counts.get(event) ?? 0;
  }

  /** Counts in what another one counted. */
  add(other: Tally): void {
    for (const [event, times] of other.#counts) this.count(event, times);
  }

  /** Those of some events that never happened. */
  missing(events: readonly Event[]): Event[] {
    return events.filter((event) => this.of(event) === 0);
  }

  /** A line for each event. */
  toString(): string {
    return ALL
      .filter((event) => this.of(event) > 0)
      .map((event) => `${String(this.of(event)).padStart(8)} ${event}`)
      .join("\n");
  }
}
