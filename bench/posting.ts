/** What posters are asked to do, and what they say of it. */
import type { Spread } from "./samples.ts";

/** Some of the messages, to be posted. */
export interface Posting {
  /** Of servers, to which the posters go in turns. */
  readonly urls: readonly string[];
  /** With a query. */
  readonly path: string;
  /** Each with a connection of its own, and one message at a time. */
  readonly posters: number;
  /** The first of the messages, and how many. */
  readonly from: number;
  readonly count: number;
  /** How often each of them is posted; once, if not said. */
  readonly times?: number;
  /** How each is to be answered. */
  readonly status: number;
}

/** How that went; times in milliseconds, from a request to its answer. */
export interface Posted extends Spread {
  /** Messages. */
  readonly perSecond: number;
}
