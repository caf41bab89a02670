/** The configuration: its defaults, and what is wrong with a variable. */
import assert from "node:assert/strict";
import {
  type Config,
  ConfigError,
  readConfig,
  SETTINGS,
  termsOf,
} from "../config.ts";
import { DEFAULT_WORK_PRICE } from "../lib/work/price.ts";

/** The configuration from these variables and no others. */
function configFrom(variables: Readonly<Record<string, string>>): Config {
  return readConfig((variable) => variables[variable]);
}

const DEFAULTS: Config = {
  port: 8_000,
  host: "127.0.0.1",
  kv: "data/restante.kv",
  url: null,
  urlAliases: [],
  handshakeRate: 20,
  workWindow: 86_400,
  mailboxBytes: 67_108_864,
  mailboxMessages: 100_000,
  relayBytes: 10_737_418_240,
  relayMessages: 10_000_000,
  signingKey: null,
  maximaKey: null,
  trustedProxies: 0,
  connections: null,
  connectionRequests: 100,
  idleSeconds: 60,
  streams: 8_000,
  mailboxStreams: 1_000,
  tokenStreams: 64,
  streamBytes: 524_288,
  bufferedBytes: 268_435_456,
  drainSeconds: 30,
  frameBytes: 4_096,
  uploadBytes: 67_108_864,
  uploadSeconds: 120,
  uploadRate: 1_024,
  queueBytes: 67_108_864,
  addressRate: 6_000,
  tokenRate: 12_000,
  workHashes: 10_000,
  workBytes: 4_096,
  workSeconds: 86_400,
  relayFee: 5,
  storageFee: 50,
  metrics: "loopback",
  log: null,
  logLevel: "info",
};

Deno.test("readConfig() of an empty environment gives what works on a laptop", () => {
  assert.deepEqual(configFrom({}), DEFAULTS);
});

Deno.test("readConfig() takes an empty variable as not set", () => {
  const empty = Object.values(SETTINGS).map(({ variable }) => [variable, ""]);
  assert.deepEqual(configFrom(Object.fromEntries(empty)), DEFAULTS);
});

Deno.test("readConfig() asks for the documented variables, each once", () => {
  const asked: string[] = [];
  readConfig((variable) => {
    asked.push(variable);
    return undefined;
  });
  const documented = Object.values(SETTINGS);
  const variables = documented.map(({ variable }) => variable);
  assert.deepEqual(asked, ["DENO_DEPLOY", ...variables]);
  assert.equal(new Set(asked).size, asked.length);
  for (const { describe } of documented) assert.notEqual(describe, "");
});

const ON_DEPLOY = {
  DENO_DEPLOY: "true",
  DENO_DEPLOY_APP_SLUG: "relay",
  DENO_DEPLOY_ORG_SLUG: "acme",
};

Deno.test("readConfig() on Deno Deploy takes the platform's store and names the app's own URL", async (t) => {
  const timelines = [
    ["production", "https://relay.acme.deno.net"],
    ["git-branch/next", "https://relay--next.acme.deno.net"],
    ["preview/x1y2", "https://relay-x1y2.acme.deno.net"],
  ];
  for (const [DENO_TIMELINE, url] of timelines) {
    await t.step(`${DENO_TIMELINE}`, () => {
      assert.deepEqual(
        configFrom({ ...ON_DEPLOY, DENO_TIMELINE: `${DENO_TIMELINE}` }),
        {
          ...DEFAULTS,
          host: "0.0.0.0",
          kv: "platform",
          url,
        },
      );
    });
  }
});

Deno.test("readConfig() on Deno Deploy lets what is set go before", () => {
  const set = { RESTANTE_URL: "https://mail.test", RESTANTE_KV: ":memory:" };
  const { url, kv } = configFrom({ ...ON_DEPLOY, ...set });
  assert.deepEqual({ url, kv }, { url: "https://mail.test", kv: ":memory:" });
  assert.equal(configFrom({ DENO_DEPLOY: "1" }).url, null);
});

/** The shortest that is taken. */
const SECRET = "0123456789abcde!";

const KEY = new Uint8Array([0xfb, 0xff, 0xbf]);

const GOOD: readonly [variable: string, text: string, part: Partial<Config>][] =
  [
    ["PORT", "0", { port: 0 }],
    ["PORT", "65535", { port: 65_535 }],
    ["RESTANTE_HOST", "0.0.0.0", { host: "0.0.0.0" }],
    ["RESTANTE_KV", ":memory:", { kv: ":memory:" }],
    ["RESTANTE_KV", "/var/lib/x.kv", { kv: "/var/lib/x.kv" }],
    ["RESTANTE_KV", "http://kv.test:4512", { kv: "http://kv.test:4512" }],
    ["RESTANTE_URL", "https://relay.test", { url: "https://relay.test" }],
    ["RESTANTE_URL", "https://relay.test/", { url: "https://relay.test" }],
    ["RESTANTE_URL", "HTTPS://Relay.test:443", { url: "https://relay.test" }],
    ["RESTANTE_URL", "http://127.0.0.1:1", { url: "http://127.0.0.1:1" }],
    ["RESTANTE_URL_ALIASES", "http://a.test", {
      urlAliases: ["http://a.test"],
    }],
    ["RESTANTE_URL_ALIASES", "https://a.test/, HTTPS://B.test:443", {
      urlAliases: ["https://a.test", "https://b.test"],
    }],
    ["RESTANTE_HANDSHAKE_RATE", "1", { handshakeRate: 1 }],
    ["RESTANTE_WORK_WINDOW", "1", { workWindow: 1 }],
    ["RESTANTE_WORK_WINDOW", "10000000000", { workWindow: 1e10 }],
    ["RESTANTE_SIGNING_KEY", "+/+/", { signingKey: KEY }],
    ["RESTANTE_SIGNING_KEY", " +/+/\n", { signingKey: KEY }],
    ["RESTANTE_MAXIMA_KEY", "+/+/", { maximaKey: KEY }],
    ["RESTANTE_WORK_HASHES", "10000", { workHashes: 10_000 }],
    ["RESTANTE_WORK_HASHES", "20001", { workHashes: 20_001 }],
    ["RESTANTE_WORK_BYTES", "1", { workBytes: 1 }],
    ["RESTANTE_WORK_SECONDS", "3600", { workSeconds: 3_600 }],
    ["RESTANTE_RELAY_FEE", "0", { relayFee: 0 }],
    ["RESTANTE_STORAGE_FEE", "7", { storageFee: 7 }],
    ["RESTANTE_METRICS", "open", { metrics: "open" }],
    ["RESTANTE_METRICS", "off", { metrics: "off" }],
    ["RESTANTE_METRICS", `token:${SECRET}`, { metrics: { token: SECRET } }],
    ["RESTANTE_LOG", "json", { log: "json" }],
    ["RESTANTE_LOG", "text", { log: "text" }],
    ["RESTANTE_LOG_LEVEL", "debug", { logLevel: "debug" }],
  ];

Deno.test("readConfig() reads each variable into its own setting", async (t) => {
  for (const [variable, text, part] of GOOD) {
    await t.step(`${variable}=${text.trim()}`, () => {
      assert.deepEqual(configFrom({ [variable]: text }), {
        ...DEFAULTS,
        ...part,
      });
    });
  }
});

/** The least and the most that each number may be. */
const BOUNDS: readonly [name: keyof Config, least: number, most: number][] = [
  ["port", 0, 65_535],
  ["handshakeRate", 1, 1e6],
  ["workWindow", 1, 1e10],
  ["mailboxBytes", 1, 1e15],
  ["mailboxMessages", 1, 1e15],
  ["relayBytes", 1, 1e12],
  ["relayMessages", 1, 16e6],
  ["connections", 1, 1e6],
  ["connectionRequests", 1, 1e6],
  ["idleSeconds", 1, 86_400],
  ["streams", 0, 1e6],
  ["mailboxStreams", 0, 1e6],
  ["tokenStreams", 0, 1e6],
  ["streamBytes", 1, 2 ** 30],
  ["bufferedBytes", 1, 1e12],
  ["drainSeconds", 1, 3_600],
  ["frameBytes", 0, 2 ** 26],
  ["uploadBytes", 1, 1e12],
  ["uploadSeconds", 1, 86_400],
  ["uploadRate", 0, 1e9],
  ["queueBytes", 1, 1e12],
  ["addressRate", 0, 1e9],
  ["tokenRate", 0, 1e9],
  ["workHashes", 10_000, 1e15],
  ["workBytes", 1, 1e12],
  ["workSeconds", 1, 1e10],
  ["relayFee", 0, 1e9],
  ["storageFee", 0, 1e9],
];

Deno.test("readConfig() takes every number from its least to its most into its own setting, and none beyond", async (t) => {
  for (const [name, least, most] of BOUNDS) {
    const { variable } = SETTINGS[name];
    await t.step(variable, () => {
      for (const number of [least, most]) {
        assert.deepEqual(
          configFrom({ [variable]: String(number) }),
          { ...DEFAULTS, [name]: number },
        );
      }
      for (const text of [least - 1, most + 1, `${least}.5`, "x"].map(String)) {
        assert.throws(
          () => configFrom({ [variable]: text }),
          ConfigError,
          text,
        );
      }
    });
  }
  const numbers = Object.entries(DEFAULTS)
    .filter(([name, value]) =>
      typeof value === "number" && name !== "trustedProxies"
    )
    .map(([name]) => name);
  const bounded = BOUNDS.map(([name]) => name);
  assert.deepEqual(bounded.filter((name) => name !== "connections"), numbers);
});

Deno.test("termsOf() has every price and quota of a configuration in its own place", () => {
  const set = {
    mailboxBytes: 1,
    mailboxMessages: 2,
    relayBytes: 3,
    relayMessages: 4,
    workHashes: 50_000,
    workBytes: 6,
    workSeconds: 7,
    relayFee: 8,
    storageFee: 9,
  };
  assert.deepEqual(termsOf({ ...DEFAULTS, ...set }), {
    quotas: {
      mailbox: { bytes: 1, messages: 2 },
      relay: { bytes: 3, messages: 4 },
    },
    price: { ...DEFAULT_WORK_PRICE, hashes: 50_000, bytes: 6, seconds: 7 },
    tariff: { relayPer465Bytes: 8, storagePerMiBHour: 9 },
  });
});

const BAD: readonly [variable: string, ...texts: string[]][] = [
  [
    "PORT",
    "-1",
    "65536",
    "80.5",
    "http",
    "0x50",
    "1e3",
    " 80",
    "80 ",
    "٨٠",
    "Infinity",
  ],
  [
    "RESTANTE_URL",
    "relay.test",
    "relay.test:443",
    "ftp://relay.test",
    "https://",
    "https://relay.test/path",
    "https://relay.test/?query",
    "https://relay.test/#fragment",
    "https://user@relay.test",
    "https://:word@relay.test",
    "https://user:word@relay.test",
    "https://relay test",
    "javascript:alert(1)",
  ],
  [
    "RESTANTE_URL_ALIASES",
    "a.test",
    ",",
    "https://a.test,",
    "https://a.test https://b.test",
    "https://a.test;https://b.test",
    "https://a.test,https://b.test/path",
    "https://a.test,*",
  ],
  ["RESTANTE_HANDSHAKE_RATE", "0", "-1", "0.5", "x", "1000001"],
  [
    "RESTANTE_WORK_WINDOW",
    "0",
    "-1",
    "1.5",
    "1d",
    "10000000001",
    "9".repeat(400),
  ],
  ["RESTANTE_SIGNING_KEY", "a secret!", "-_-_", "+/+/=", "****"],
  ["RESTANTE_MAXIMA_KEY", "a secret!", "-_-_", "+/+/=", "****"],
  ["RESTANTE_WORK_HASHES", "0", "9999", "1e6", "10000.5"],
  ["RESTANTE_WORK_BYTES", "0", "-1"],
  ["RESTANTE_WORK_SECONDS", "0", "1d"],
  ["RESTANTE_RELAY_FEE", "-1", "0.5"],
  ["RESTANTE_STORAGE_FEE", "-1", "1e3"],
  [
    "RESTANTE_METRICS",
    "everyone",
    "loopback,open",
    "token:x",
    "token:0123456789abcde",
    "token:a secret with blanks in it",
    "Token:0123456789abcdef",
  ],
  ["RESTANTE_LOG", "JSON", "syslog"],
  ["RESTANTE_LOG_LEVEL", "all", "INFO"],
];

Deno.test("readConfig() names the variable that cannot be used, and never repeats a key", async (t) => {
  for (const [variable, ...texts] of BAD) {
    for (const text of texts) {
      await t.step(`${variable}=${text.slice(0, 30)}`, () => {
        assert.throws(() => configFrom({ [variable]: text }), (error) => {
          assert.ok(error instanceof ConfigError);
          assert.equal(error.code, "config-invalid");
          assert.ok(error.message.startsWith(`${variable}: `));
          for (
            const { variable: other } of Object.values(SETTINGS)
          ) {
            assert.ok(
              other === variable ||
                !new RegExp(`\\b${other}\\b`).test(error.message),
            );
          }
          const said = error.message + Deno.inspect(error.cause);
          const isSecret = variable.endsWith("_KEY") ||
            variable === "RESTANTE_METRICS";
          if (isSecret) assert.ok(!said.includes(text));
          else assert.ok(error.message.includes(text.slice(0, 300)));
          return true;
        });
      });
    }
  }
});

Deno.test("readConfig() finds something wrong with a variable whatever the others are", () => {
  const others = Object.fromEntries(
    GOOD.map(([variable, text]) => [variable, text]),
  );
  for (const [variable, text = ""] of BAD) {
    assert.throws(
      () => configFrom({ ...others, [variable]: text }),
      (error) =>
        error instanceof ConfigError && error.message.startsWith(variable),
    );
  }
});
