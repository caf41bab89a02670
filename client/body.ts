/** The body of an answer, read no further than it may be long. */
import type { Bytes } from "../lib/bytes.ts";
import { Writer } from "../lib/minima/codec.ts";
import { ClientError } from "./error.ts";

/** What may be of an answer, and who gave it. */
export interface BodyOptions {
  /** Bytes; a longer body is nonsense. */
  readonly most: number;
  /** Where it comes from, for messages. */
  readonly url: string;
}

/**
 * All bytes of a body.
 *
 * @throws {ClientError} `relay-nonsense` as soon as there are too many of them,
 * `relay-unreachable` if it breaks off
 */
export async function readBody(
  response: Response,
  { most, url }: BodyOptions,
): Promise<Bytes> {
  if (response.body === null) return new Uint8Array();
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body
    .getReader();
  // As one piece: parts may be of one byte, and each kept would take far more.
  const body = new Writer();
  let length = Number(response.headers.get("Content-Length") ?? 0);
  try {
    for (; !(length > most); length = body.length) {
      const { done, value } = await reader.read();
      if (done) return body.done();
      body.put(value);
    }
  } catch (cause) {
    const detail = `the answer of ${url} broke off`;
    throw new ClientError("relay-unreachable", detail, { cause });
  }
  // Whoever sends without end may not hear that nobody listens.
  reader.cancel().catch(() => {});
  throw new ClientError(
    "relay-nonsense",
    `${url} answers more than ${most} bytes, which no relay does`,
  );
}

/** The JSON in a body; null, which no answer is, if there is none. */
export function parseJson(body: Bytes): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return null;
  }
}
