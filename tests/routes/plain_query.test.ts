/** Which queries are plain, and how they are read. */
import assert from "node:assert/strict";
import { plainQueries } from "../../routes/plain_query.ts";

const PLAIN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "": {},
  "hold=3600": { hold: "3600" },
  "a=1&B=x9": { a: "1", B: "x9" },
  "a=1&b=2&c=3&d=4": { a: "1", b: "2", c: "3", d: "4" },
};

const OTHERS: readonly string[] = [
  "hold",
  "hold=",
  "=1",
  "&",
  "&a=1",
  "a=1&",
  "a=1&&b=2",
  "a=1&a=2",
  "a=%31",
  "a=1+2",
  "a=1;b=2",
  "a=1=2",
  "a=-1",
  "a=1\n",
  "a=1&b=2&c=3&d=4&e=5",
  `a=${"1".repeat(21)}`,
  `${"a".repeat(21)}=1`,
  "ä=1",
];

Deno.test("plainQueries() reads what is written plainly, and once", () => {
  let read = 0;
  const queries = plainQueries((query) => {
    read++;
    return { ...query };
  });
  for (const [text, query] of Object.entries(PLAIN)) {
    assert.deepEqual(queries(text), query, text);
    assert.equal(queries(text), queries(text), text);
  }
  assert.equal(read, Object.keys(PLAIN).length);
});

Deno.test("plainQueries() leaves everything else to others", () => {
  const queries = plainQueries(() => assert.fail("it was read"));
  for (const text of OTHERS) assert.equal(queries(text), null, text);
});

Deno.test("plainQueries() gives null for what is plain and not right, each time", () => {
  const queries = plainQueries(({ a }) => a === "1" ? a : undefined);
  for (let times = 0; times < 2; times++) {
    assert.equal(queries("a=2"), null);
    assert.equal(queries("a=1"), "1");
  }
});

Deno.test("plainQueries() remembers no more than a hundred, whoever asks", () => {
  let read = 0;
  const queries = plainQueries(({ a }) => {
    read++;
    return a;
  });
  for (let n = 0; n < 100; n++) queries(`a=${n}`);
  queries("a=0");
  assert.equal(read, 100);
  queries("a=100"); // one more than are remembered: all are forgotten
  queries("a=0");
  assert.equal(read, 102);
});
