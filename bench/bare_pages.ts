/**
 * Pages of the very rows that the relay keeps, listed and answered by nothing
 * but the platform: as the JSON that the relay answers, or as bodies alone.
 */
import { keys } from "../kv/kinds.ts";
import type { Bytes } from "../lib/bytes.ts";
import { parseMailboxId } from "../lib/ids.ts";

/** In place of a store's own. */
const EPOCH = "0".repeat(12);

/** A row that has one message, and where it stands. */
interface Row {
  readonly cursor: string;
  readonly bytes: Bytes;
}

/** A page behind the cursor that the query says. */
export async function answerPage(
  kv: Deno.Kv,
  request: Request,
): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const mailbox = parseMailboxId(pathname.split("/")[3] ?? "");
  const [, after = ""] = searchParams.get("after")?.split("-") ?? [];
  const limit = Number(searchParams.get("limit"));
  const listed = kv.list<Bytes>({
    prefix: keys.messages(mailbox),
    start: keys.message(mailbox, `${after}\0`),
  }, { limit: limit + 1, batchSize: limit + 1 });
  const rows: Row[] = [];
  for await (const { key, value } of listed) {
    rows.push({ cursor: `${EPOCH}-${String(key.at(-1))}`, bytes: value });
  }
  const more = rows.length > limit;
  if (more) rows.pop();
  const next = rows.at(-1)?.cursor ?? "";
  return searchParams.get("page") === "json"
    ? Response.json({ messages: rows.map(messageOf), next, more, reset: false })
    : new Response(bodiesOf(rows), {
      headers: { "Restante-Next": next, "Restante-More": String(more) },
    });
}

/** Bytes of a row before the body of its one message (`kv/mail/row.ts`). */
const BEFORE_BODY = 95;

function messageOf({ cursor, bytes }: Row) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const time = (at: number) =>
    view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2);
  return {
    cursor,
    id: bytes.subarray(3, 35).toHex(),
    object: bytes.subarray(35, 67).toHex(),
    size: view.getUint32(67),
    minBandwidth: view.getUint32(71),
    priority: "normal",
    storedAt: time(76),
    holdUntil: time(82),
    expired: false,
    body: bytes.subarray(BEFORE_BODY)
      .toBase64({ alphabet: "base64url", omitPadding: true }),
  };
}

/** All bodies, each behind its length. */
function bodiesOf(rows: readonly Row[]): Bytes {
  const bodies = rows.map(({ bytes }) => bytes.subarray(BEFORE_BODY));
  const length = bodies.reduce((sum, body) => sum + 4 + body.length, 0);
  const all = new Uint8Array(length);
  const view = new DataView(all.buffer);
  let at = 0;
  for (const body of bodies) {
    view.setUint32(at, body.length, true);
    all.set(body, at + 4);
    at += 4 + body.length;
  }
  return all;
}
