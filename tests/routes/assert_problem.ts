/** What every refusal is to look like. */
import assert from "node:assert/strict";
import { type ProblemCode, PROBLEMS } from "../../lib/problem.ts";
import type { TestRelay } from "./relay_fixture.ts";

/** Words of a stack trace or of a path that no caller is to see. */
const INSIDES = /\n\s*at |\.ts:\d|file:\/\/|node_modules|npm:/;

/** A problem document. */
export interface ProblemDocument extends Record<string, unknown> {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
}

/**
 * Fails unless an answer is the problem document of a code, which shows nothing
 * of the relay's insides and whose type is a page of the relay.
 */
export async function assertProblem(
  relay: TestRelay,
  response: Response,
  code: ProblemCode,
): Promise<ProblemDocument> {
  const text = await response.text();
  const { status, title } = PROBLEMS[code];
  assert.deepEqual(
    { status: response.status, code: codeIn(text) },
    { status, code },
  );
  assert.equal(
    response.headers.get("Content-Type"),
    "application/problem+json",
  );
  assert.equal(response.headers.get("Cache-Control"), "no-store");
  assert.equal(response.headers.get("Access-Control-Allow-Origin"), "*");
  assert.doesNotMatch(text, INSIDES);
  const document: ProblemDocument = JSON.parse(text);
  assert.equal(document.status, status);
  assert.equal(document.title, title);
  assert.equal(typeof document.detail, "string");
  assert.notEqual(document.detail, "");

  const page = await relay.fetch(document.type);
  assert.equal(page.status, 200, `${document.type} is a page`);
  assert.match(page.headers.get("Content-Type") ?? "", /^text\/html/);
  assert.match(await page.text(), new RegExp(`<code>${code}</code>`));
  return document;
}

/** The code in an answer's text; the text itself, if it is no problem. */
function codeIn(text: string): unknown {
  try {
    return JSON.parse(text).code ?? text;
  } catch {
    return text;
  }
}
