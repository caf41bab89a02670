/**
 * Forms of the members that answers have in common. What is larger, longer or
 * later than anything a relay has to say is refused here, so that nothing
 * behind it meets such a value.
 */
import { z } from "zod";
import { CURSOR_FORM } from "../lib/cursor.ts";

/** What an answer of the relay is checked to be. */
export type Form<T> = z.ZodType<T>;

/** The last millisecond of the year 9999: later times have no ISO 8601 text. */
const LAST_TIME = 253_402_300_799_999;
/** Characters of the longest name that a relay gives to something of its own. */
const MAX_ID = 256;
/** Hex digits of the longest public key: RSA of 16,384 bits has 4,172. */
const MAX_KEY_DIGITS = 8_192;

/** 32 bytes, lower-case hex. */
export const hashForm: Form<string> = z.string().regex(/^[0-9a-f]{64}$/);
/** Bytes of a public key, lower-case hex. */
export const keyForm: Form<string> = z.string().max(MAX_KEY_DIGITS)
  .regex(/^([0-9a-f]{2})+$/);
/** A number below 2^256, in hex. */
export const targetForm: Form<string> = z.string().max(64)
  .regex(/^([0-9a-f]{2})+$/);
/** What the relay named itself, and we only give back. */
export const idForm: Form<string> = z.string().max(MAX_ID);
/** A place in a mailbox. */
export const cursorForm: Form<string> = z.string().max(MAX_ID)
  .regex(CURSOR_FORM);
/** A count that is exact: 0 to 2^53 - 1. */
export const countForm: Form<number> = z.int().nonnegative();
/** A count that may be too large to be exact, but is one. */
export const amountForm: Form<number> = z.number().nonnegative()
  .refine(Number.isInteger);
/** Unix milliseconds, from 1970 to the end of the year 9999. */
export const timeForm: Form<number> = z.int().nonnegative().max(LAST_TIME);
/** A token or another text that the relay signed. */
export const signedForm: Form<string> = z.string().max(8_192)
  .regex(/^[\w.~+/=-]+$/);
