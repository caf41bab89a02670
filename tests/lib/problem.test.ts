/** The table of problems, and the errors that name one. */
import assert from "node:assert/strict";
import {
  isProblemCode,
  Problem,
  type ProblemCode,
  PROBLEMS,
} from "../../lib/problem.ts";

const CODES = Object.keys(PROBLEMS) as ProblemCode[];

/** Callers rely on these: there may be more, none may go or change. */
const STATUS: Partial<Record<ProblemCode, number>> = {
  "malformed": 400,
  "unauthorized": 401,
  "handshake-failed": 401,
  "forbidden": 403,
  "not-found": 404,
  "mailbox-unknown": 404,
  "object-unknown": 404,
  "too-large": 413,
  "unsupported-media-type": 415,
  "range-not-satisfiable": 416,
  "wrong-hash": 422,
  "work-insufficient": 428,
  "work-stale": 428,
  "internal": 500,
  "busy": 503,
};

for (const [code, status] of Object.entries(STATUS)) {
  Deno.test(`PROBLEMS has ${code} with status ${status}`, () => {
    assert.ok(isProblemCode(code));
    assert.equal(PROBLEMS[code].status, status);
    assert.equal(new Problem(code, "why").status, status);
  });
}

for (const code of CODES) {
  Deno.test(`PROBLEMS explains ${code} on its page`, () => {
    const { status, title, what, remedy } = PROBLEMS[code];
    assert.match(code, /^[a-z]+(-[a-z]+)*$/);
    assert.ok(Number.isInteger(status) && status >= 400 && status <= 599);
    assert.match(title, /^[A-Z][^\n]{4,79}[^.\s]$/, "one line, no full stop");
    for (const text of [what, remedy]) {
      assert.match(text, /^[A-Z/].{10,}[.!]?$/, "a sentence");
      assert.doesNotMatch(text, /\n| {2}/, "no break, no gap");
    }
    assert.notEqual(what, remedy);
  });
}

Deno.test("PROBLEMS has a title of its own for each code", () => {
  const titles = CODES.map((code) => PROBLEMS[code].title);
  assert.equal(new Set(titles).size, CODES.length);
});

Deno.test("Problem has its code, detail, members and cause", () => {
  const cause = new Error("below");
  const problem = new Problem("busy", "not now", { after: 3 }, { cause });
  assert.ok(problem instanceof Error);
  assert.deepEqual({
    name: problem.name,
    code: problem.code,
    message: problem.message,
    members: problem.members,
    cause: problem.cause,
  }, {
    name: "Problem",
    code: "busy",
    message: "not now",
    members: { after: 3 },
    cause,
  });
  assert.deepEqual(new Problem("malformed", "why").members, {});
});

Deno.test("Problem has a stack only where the failure is the relay's own", () => {
  for (const code of CODES) {
    const { stack } = new Problem(code, "why");
    if (PROBLEMS[code].status < 500) assert.equal(stack, undefined, code);
    else assert.match(stack ?? "", /^Problem: why\n +at .*problem\.test\.ts/s);
  }
});

Deno.test("Problem is an Error by all that errors have, and by its text", () => {
  const problem = new Problem("malformed", "not a key");
  assert.ok(problem instanceof Problem && problem instanceof Error);
  assert.equal(String(problem), "Problem: not a key");
  assert.equal(Object.hasOwn(problem, "cause"), false);
  assert.match(Deno.inspect(problem), /Problem: not a key/);
  assert.throws(() => {
    throw problem;
  }, { name: "Problem", message: "not a key", code: "malformed" });
});

Deno.test("isProblemCode() knows the codes and nothing else", () => {
  for (const code of CODES) assert.ok(isProblemCode(code));
  const others = [
    "",
    "ok",
    "Malformed",
    "toString",
    "__proto__",
    "constructor",
  ];
  for (const text of others) assert.equal(isProblemCode(text), false, text);
});
