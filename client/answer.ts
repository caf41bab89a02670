/** An answer that has to be whole, in time, and of a form. */
import type { z } from "zod";
import { ClientError } from "./error.ts";

/** What an answer of the relay is checked to be. */
export type Form<T> = z.ZodType<T>;

/** Milliseconds that a relay has to answer one request. */
export const ANSWER_WITHIN = 30_000;

/** A request whose answer is waited for. */
export interface AnswerOptions {
  /** Where it is made, for messages. */
  readonly url: string;
  /** Milliseconds until the answer has to be there. */
  readonly within?: number;
  /** Ends the request with its reason. */
  readonly signal?: AbortSignal | null | undefined;
}

/**
 * The JSON of a request's answer.
 *
 * @throws {ClientError} `relay-unreachable` if it is not there in time or not
 * whole, `relay-nonsense` if it is something else
 */
export async function readAnswer<T>(
  form: Form<T>,
  { url, within = ANSWER_WITHIN, signal }: AnswerOptions,
  request: (signal: AbortSignal) => Promise<Response>,
): Promise<T> {
  const timeUp = new AbortController();
  const timer = setTimeout(() => timeUp.abort(), within);
  let text: string;
  try {
    const response = await request(
      AbortSignal.any(signal ? [timeUp.signal, signal] : [timeUp.signal]),
    );
    text = await response.text().catch((cause) => {
      const detail = `the answer of ${url} broke off`;
      throw new ClientError("relay-unreachable", detail, { cause });
    });
  } catch (cause) {
    signal?.throwIfAborted();
    if (!timeUp.signal.aborted) throw cause;
    const detail = `${url} did not answer in ${within / 1_000} s`;
    throw new ClientError("relay-unreachable", detail, { cause });
  } finally {
    clearTimeout(timer);
  }
  const answer = form.safeParse(parseJson(text));
  if (answer.success) return answer.data;
  throw new ClientError(
    "relay-nonsense",
    `${url} answered what no relay answers`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
