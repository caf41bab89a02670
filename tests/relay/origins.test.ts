/** Which origins are a relay's own. */
import assert from "node:assert/strict";
import { type OriginSettings, originsOf } from "../../relay/origins.ts";

const NONE: OriginSettings = { url: null, urlAliases: [] };

const CASES: readonly (readonly [
  what: string,
  settings: OriginSettings,
  listening: string,
  origins: readonly string[],
])[] = [
  ["a URL", { ...NONE, url: "https://a.test" }, "http://127.0.0.1:8000", [
    "https://a.test",
  ]],
  [
    "a URL and aliases, each once",
    {
      url: "https://a.test",
      urlAliases: ["https://b.test", "https://a.test", "https://b.test"],
    },
    "http://0.0.0.0:8000",
    ["https://a.test", "https://b.test"],
  ],
  ["no URL, on this machine", NONE, "http://127.0.0.1:8000", [
    "http://127.0.0.1:8000",
    "http://localhost:8000",
    "http://[::1]:8000",
  ]],
  ["no URL, by name", NONE, "http://localhost:81", [
    "http://localhost:81",
    "http://127.0.0.1:81",
    "http://[::1]:81",
  ]],
  ["no URL, by IPv6", NONE, "http://[::1]:81", [
    "http://[::1]:81",
    "http://localhost:81",
    "http://127.0.0.1:81",
  ]],
  [
    "no URL, on another of the machine's own addresses",
    NONE,
    "http://127.9.9.9:81",
    [
      "http://127.9.9.9:81",
      "http://localhost:81",
      "http://127.0.0.1:81",
      "http://[::1]:81",
    ],
  ],
  ["no URL, on port 80", NONE, "http://127.0.0.1:80", [
    "http://127.0.0.1:80",
    "http://localhost",
    "http://127.0.0.1",
    "http://[::1]",
  ]],
  ["no URL, for others", NONE, "http://192.0.2.1:8000", [
    "http://192.0.2.1:8000",
  ]],
  [
    "no URL, a name that looks like this machine",
    NONE,
    "http://127.0.0.1.test:1",
    [
      "http://127.0.0.1.test:1",
    ],
  ],
  [
    "aliases alone",
    { ...NONE, urlAliases: ["https://b.test"] },
    "http://192.0.2.1:8000",
    ["http://192.0.2.1:8000", "https://b.test"],
  ],
];

for (const [what, settings, listening, origins] of CASES) {
  Deno.test(`originsOf() with ${what}`, () => {
    assert.deepEqual(originsOf(settings, listening), origins);
  });
}
