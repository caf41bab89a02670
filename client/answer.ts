/** An answer that has to be whole, in time, not too long, and of a form. */
import type { Bytes } from "../lib/bytes.ts";
import { type Clock, systemClock } from "../lib/timers.ts";
import { parseJson, readBody } from "./body.ts";
import { ClientError } from "./error.ts";
import type { Form } from "./forms.ts";

/** Milliseconds that a relay has to answer one request. */
export const ANSWER_WITHIN = 30_000;
/** Bytes of the longest answer that tells a few facts. */
export const MAX_FACTS = 2 ** 16;

/** What an answer may take. */
export interface AnswerBounds {
  /** Milliseconds until the answer has to be there; half a minute if not said. */
  readonly within?: number | undefined;
  /** Bytes of the longest; {@link MAX_FACTS}, if not said. */
  readonly most?: number | undefined;
}

/** A request whose answer is waited for. */
export interface AnswerOptions extends AnswerBounds {
  /** Where it is made, for messages. */
  readonly url: string;
  /** What time is taken by. */
  readonly clock?: Clock;
  /** Ends the request with its reason. */
  readonly signal?: AbortSignal | null | undefined;
}

/** An answer that is there, to its last byte. */
export interface WholeAnswer {
  /** Where it was asked for, for messages. */
  readonly url: string;
  /** Its header fields. */
  readonly headers: Headers;
  /** All of its body. */
  readonly body: Bytes;
}

/** Makes a request that ends with a signal. */
export type MakeRequest = (signal: AbortSignal) => Promise<Response>;

/**
 * The JSON of a request's answer.
 *
 * @throws {ClientError} `relay-unreachable` if it is not there in time or not
 * whole, `relay-nonsense` if it is too long or something else
 */
export async function readAnswer<T>(
  form: Form<T>,
  options: AnswerOptions,
  request: MakeRequest,
): Promise<T> {
  const { body } = await readWhole(options, request);
  const answer = form.safeParse(parseJson(body));
  if (answer.success) return answer.data;
  throw new ClientError(
    "relay-nonsense",
    `${options.url} answered what no relay answers`,
  );
}

/**
 * A request's answer, whole.
 *
 * @throws {ClientError} as {@link readAnswer} does, but for what it is
 */
export async function readWhole(
  options: AnswerOptions,
  request: MakeRequest,
): Promise<WholeAnswer> {
  const { url, signal, clock = systemClock } = options;
  const { within = ANSWER_WITHIN, most = MAX_FACTS } = options;
  const timeUp = new AbortController();
  const callOff = clock.after(within, () => timeUp.abort());
  try {
    const response = await request(
      AbortSignal.any(signal ? [timeUp.signal, signal] : [timeUp.signal]),
    );
    const { headers } = response;
    return { url, headers, body: await readBody(response, { most, url }) };
  } catch (cause) {
    signal?.throwIfAborted();
    if (!timeUp.signal.aborted) throw cause;
    const detail = `${url} did not answer in ${within / 1_000} s`;
    throw new ClientError("relay-unreachable", detail, { cause });
  } finally {
    callOff();
  }
}
