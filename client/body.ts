/** The body of an answer, read no further than it may be long. */
import type { Bytes } from "../lib/bytes.ts";
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
  const parts: Uint8Array[] = [];
  let length = Number(response.headers.get("Content-Length") ?? 0);
  try {
    for (let read = 0; !(length > most); length = read) {
      const { done, value } = await reader.read();
      if (done) return joined(parts, read);
      parts.push(value);
      read += value.length;
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

function joined(parts: readonly Uint8Array[], length: number): Bytes {
  const whole = new Uint8Array(length);
  let start = 0;
  for (const part of parts) {
    whole.set(part, start);
    start += part.length;
  }
  return whole;
}

/** The JSON in a body; null, which no answer is, if there is none. */
export function parseJson(body: Bytes): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return null;
  }
}
