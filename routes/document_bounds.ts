/**
 * What handlers check of a request, and schemas cannot say by themselves: the
 * form of ids, which are parsed once the token was looked at, and what the
 * relay's own rules bound.
 */
import { CURSOR_FORM } from "../lib/cursor.ts";
import { HANDSHAKE_ID_FORM } from "../lib/handshake.ts";
import { envelopeBytes } from "../lib/minima/maxtxpow.ts";
import type { Relay } from "../relay/relay.ts";

/** Words of a schema that bound a value. */
interface Bounds {
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Bounds by the name of a parameter, or of a schema and its member. */
export type BoundsByName = Readonly<Record<string, Bounds>>;

/** The form of a hash in hex. */
export const HASH = "^[0-9a-f]{64}$";

/** The bounds that a relay enforces. */
export function boundsOf({ limits, price }: Relay): BoundsByName {
  const { min: minimum, max: maximum } = price.holdSeconds;
  return {
    "mailbox": { pattern: HASH },
    "object": { pattern: HASH },
    "cursor": { pattern: CURSOR_FORM.source },
    "handshake": { pattern: HANDSHAKE_ID_FORM.source },
    "hold": { minimum, maximum },
    "QuoteRequest.mailbox": { pattern: HASH },
    "QuoteRequest.bytes": { minimum: 1, maximum: envelopeBytes(limits) },
    "QuoteRequest.seconds": { minimum, maximum },
  };
}

/** The part of a document that has schemas. */
interface Document {
  readonly paths?: Readonly<Record<string, object>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, object>> };
}

/** An operation's parameter. */
interface Parameter {
  readonly name: string;
  schema: object;
}

/** Writes the bounds into a document. */
export function addBounds(document: Document, bounds: BoundsByName): void {
  for (const operations of Object.values(document.paths ?? {})) {
    for (const { parameters = [] } of Object.values(operations)) {
      for (const parameter of parameters as Parameter[]) {
        const { schema, name } = parameter;
        parameter.schema = { ...schema, ...bounds[name] };
      }
    }
  }
  for (
    const [schema, form] of Object.entries(document.components?.schemas ?? {})
  ) {
    if (!("properties" in form)) continue;
    for (const [name, member] of Object.entries(Object(form.properties))) {
      Object.assign(Object(member), bounds[`${schema}.${name}`]);
    }
  }
}
