/**
 * The form of what several routes are given, for the OpenAPI document. Ids and
 * cursors are parsed where they are used, once the token was looked at.
 */
import { z } from "@hono/zod-openapi";
import { CURSOR_FORM } from "../lib/cursor.ts";
import { HASH } from "./document_bounds.ts";

/** A mailbox id. */
export const mailboxId = z.string().openapi({
  pattern: HASH,
  description: "Mailbox id: hex SHA3-256 of the owner's SPKI",
});

/** An object hash. */
export const objectHash = z.string().openapi({
  pattern: HASH,
  description: "Hex BLAKE3-256 of the object's bytes",
});

/** A cursor. */
export const cursorText = z.string().openapi({
  pattern: CURSOR_FORM.source,
  description: "A cursor that the relay gave; opaque",
});

/** A device's name. */
export const deviceName = z.string().regex(/^[\w.-]{1,64}$/);

/** The path of a mailbox. */
export const mailboxParams = z.object({ mailbox: mailboxId });
