/**
 * The relay's configuration: every environment variable is read here, checked
 * at start, and documented where it is declared. The README's table is made of
 * this list.
 */
import type { Bytes } from "./lib/bytes.ts";
import { PLATFORM_STORE } from "./kv/store/location.ts";
import { type Level, LEVELS, LOG_FORMATS, type LogFormat } from "./lib/log.ts";
import { MIN_HASHES } from "./lib/minima/constants.ts";
import { DEFAULT_TARIFF, type Tariff } from "./lib/money.ts";
import { DEFAULT_QUOTAS, type Quotas } from "./lib/quota.ts";
import { DEFAULT_HANDSHAKE_RATE } from "./relay/handshake_price.ts";
import { CAP_NOTES, type Caps, DEFAULT_CAPS } from "./relay/caps.ts";
import { parseProxies, type TrustedProxies } from "./relay/proxies.ts";
import { DEFAULT_WINDOW } from "./lib/work/check.ts";
import { DEFAULT_WORK_PRICE, type WorkPrice } from "./lib/work/price.ts";
import {
  type MetricsReaders,
  parseMetricsReaders,
} from "./relay/metrics_readers.ts";

/** What a relay needs to know to run: its caps among it. */
export interface Config extends Omit<Caps, "connections"> {
  /** TCP port; 0 picks a free one. */
  readonly port: number;
  /** Address to listen on. */
  readonly host: string;
  /** A file, `:memory:`, the URL of a KV Connect server, or `platform`. */
  readonly kv: string;
  /** The URL that clients use; from host and port, if null. */
  readonly url: string | null;
  /** Further origins by which clients reach the relay. */
  readonly urlAliases: readonly string[];
  /** Answers to challenges, a second, beyond which they cost more work. */
  readonly handshakeRate: number;
  /** Seconds that the time of work may lie back. */
  readonly workWindow: number;
  /** Bytes that a mailbox may hold. */
  readonly mailboxBytes: number;
  /** Messages that a mailbox may hold. */
  readonly mailboxMessages: number;
  /** Bytes that all mailboxes together may hold. */
  readonly relayBytes: number;
  /** Messages that all mailboxes together may hold. */
  readonly relayMessages: number;
  /** PKCS#8 DER of an Ed25519 key; the store's own, if null. */
  readonly signingKey: Bytes | null;
  /** PKCS#8 DER of an RSA key; the store's own, if null. */
  readonly maximaKey: Bytes | null;
  /** Proxies that are trusted to say who asks. */
  readonly trustedProxies: TrustedProxies;
  /** Connections that may be open at once; as the system allows, if null. */
  readonly connections: number | null;
  /** Expected hashes that buy {@link Config.workBytes}… */
  readonly workHashes: number;
  /** …for {@link Config.workSeconds}, at the base price. */
  readonly workBytes: number;
  /** Seconds. */
  readonly workSeconds: number;
  /** μ for every 465 bytes begun. */
  readonly relayFee: number;
  /** μ for a MiB kept an hour. */
  readonly storageFee: number;
  /** Who may read `/metrics`. */
  readonly metrics: MetricsReaders;
  /** How the log is written; by where standard error goes, if null. */
  readonly log: LogFormat | null;
  /** The least that is logged. */
  readonly logLevel: Level;
}

/** A setting has a value that cannot be used. */
export class ConfigError extends Error {
  override name = "ConfigError";
  readonly code = "config-invalid";
}

/** The environment variables of a process. */
export type Environment = (variable: string) => string | undefined;

/** A setting: how it is named, what it is for, and how it is read. */
interface Setting<T> {
  readonly variable: string;
  readonly fallback: string;
  /** The fallback where Deno Deploy runs the relay, if it is another there. */
  readonly onDeploy?: (environment: Environment) => string;
  readonly describe: string;
  readonly read: (text: string) => T;
}

/** The settings, in the order of the README's table. */
export const SETTINGS: { [K in keyof Config]: Setting<Config[K]> } = {
  port: {
    variable: "PORT",
    fallback: "8000",
    describe: "TCP port; 0 picks a free one",
    read: (text) => wholeNumber(text, 0, 65_535),
  },
  host: {
    variable: "RESTANTE_HOST",
    fallback: "127.0.0.1",
    onDeploy: () => "0.0.0.0",
    describe: "address to listen on; 0.0.0.0 for every one",
    read: (text) => text,
  },
  kv: {
    variable: "RESTANTE_KV",
    fallback: "data/restante.kv",
    onDeploy: () => PLATFORM_STORE,
    describe:
      "the store: a file, :memory:, the URL of a KV Connect server, or platform: what Deno Deploy gives the app",
    read: (text) => text,
  },
  url: {
    variable: "RESTANTE_URL",
    fallback: "",
    onDeploy: deployOrigin,
    describe: "the URL that clients use, if it is not http://HOST:PORT",
    read: (text) => text === "" ? null : publicUrl(text),
  },
  urlAliases: {
    variable: "RESTANTE_URL_ALIASES",
    fallback: "",
    describe:
      "further origins by which clients reach the relay, with commas between them",
    read: (text) => text === "" ? [] : publicUrls(text),
  },
  handshakeRate: {
    variable: "RESTANTE_HANDSHAKE_RATE",
    fallback: String(DEFAULT_HANDSHAKE_RATE),
    describe:
      "answers to challenges, a second, beyond which handshakes cost more work",
    read: (text) => wholeNumber(text, 1, 1e6),
  },
  workWindow: {
    variable: "RESTANTE_WORK_WINDOW",
    fallback: String(DEFAULT_WINDOW.back / 1_000),
    describe: "seconds that the time of work may lie back",
    read: (text) => wholeNumber(text, 1, 1e10),
  },
  mailboxBytes: {
    variable: "RESTANTE_MAILBOX_BYTES",
    fallback: String(DEFAULT_QUOTAS.mailbox.bytes),
    describe: "bytes that a mailbox may hold; its price rises beyond a quarter",
    read: (text) => wholeNumber(text, 1, 1e15),
  },
  mailboxMessages: {
    variable: "RESTANTE_MAILBOX_MESSAGES",
    fallback: String(DEFAULT_QUOTAS.mailbox.messages),
    describe: "messages that a mailbox may hold, likewise",
    read: (text) => wholeNumber(text, 1, 1e15),
  },
  relayBytes: {
    variable: "RESTANTE_RELAY_BYTES",
    fallback: String(DEFAULT_QUOTAS.relay.bytes),
    describe: "bytes that all mailboxes together may hold, likewise",
    read: (text) => wholeNumber(text, 1, 1e12), // MOST_COUNTED of kv/mail/usage.ts
  },
  relayMessages: {
    variable: "RESTANTE_RELAY_MESSAGES",
    fallback: String(DEFAULT_QUOTAS.relay.messages),
    describe: "messages that all mailboxes together may hold, likewise",
    read: (text) => wholeNumber(text, 1, 16e6), // likewise
  },
  signingKey: {
    variable: "RESTANTE_SIGNING_KEY",
    fallback: "",
    describe:
      "base64 PKCS#8 Ed25519 key that signs receipts and tokens, if it is not to be kept in the store",
    read: (text) => text === "" ? null : base64(text),
  },
  maximaKey: {
    variable: "RESTANTE_MAXIMA_KEY",
    fallback: "",
    describe:
      "base64 PKCS#8 RSA key (2048 bits or more) that receives handshakes, likewise",
    read: (text) => text === "" ? null : base64(text),
  },
  trustedProxies: {
    variable: "RESTANTE_TRUSTED_PROXIES",
    fallback: "0",
    describe:
      "proxies whose X-Forwarded-For is believed: how many stand before the relay, or their networks, such as 10.0.0.0/8,::1",
    read: parseProxies,
  },
  connections: {
    variable: "RESTANTE_CONNECTIONS",
    fallback: "",
    describe:
      `${CAP_NOTES.connections}; as many as the system lets the process open, if not set, at most ${DEFAULT_CAPS.connections}`,
    read: (text) => text === "" ? null : wholeNumber(text, 1, 1e6),
  },
  connectionRequests: cap(
    "connectionRequests",
    "RESTANTE_CONNECTION_REQUESTS",
    1,
    1e6,
  ),
  idleSeconds: cap("idleSeconds", "RESTANTE_IDLE_SECONDS", 1, 86_400),
  streams: cap("streams", "RESTANTE_STREAMS", 0, 1e6),
  mailboxStreams: cap("mailboxStreams", "RESTANTE_MAILBOX_STREAMS", 0, 1e6),
  tokenStreams: cap("tokenStreams", "RESTANTE_TOKEN_STREAMS", 0, 1e6),
  streamBytes: cap("streamBytes", "RESTANTE_STREAM_BYTES", 1, 2 ** 30),
  bufferedBytes: cap("bufferedBytes", "RESTANTE_BUFFERED_BYTES", 1, 1e12),
  drainSeconds: cap("drainSeconds", "RESTANTE_DRAIN_SECONDS", 1, 3_600),
  frameBytes: cap("frameBytes", "RESTANTE_FRAME_BYTES", 0, 2 ** 26),
  uploadBytes: cap("uploadBytes", "RESTANTE_UPLOAD_BYTES", 1, 1e12),
  uploadSeconds: cap("uploadSeconds", "RESTANTE_UPLOAD_SECONDS", 1, 86_400),
  uploadRate: cap("uploadRate", "RESTANTE_UPLOAD_RATE", 0, 1e9),
  queueBytes: cap("queueBytes", "RESTANTE_QUEUE_BYTES", 1, 1e12),
  addressRate: cap("addressRate", "RESTANTE_ADDRESS_RATE", 0, 1e9),
  tokenRate: cap("tokenRate", "RESTANTE_TOKEN_RATE", 0, 1e9),
  workHashes: {
    variable: "RESTANTE_WORK_HASHES",
    fallback: String(DEFAULT_WORK_PRICE.hashes),
    describe:
      "the base price: so many hashes (at least the network's minimum, 10000) keep RESTANTE_WORK_BYTES for RESTANTE_WORK_SECONDS",
    read: (text) => wholeNumber(text, MIN_HASHES, 1e15),
  },
  workBytes: {
    variable: "RESTANTE_WORK_BYTES",
    fallback: String(DEFAULT_WORK_PRICE.bytes),
    describe: "bytes of the base price",
    read: (text) => wholeNumber(text, 1, 1e12),
  },
  workSeconds: {
    variable: "RESTANTE_WORK_SECONDS",
    fallback: String(DEFAULT_WORK_PRICE.seconds),
    describe: "seconds of the base price",
    read: (text) => wholeNumber(text, 1, 1e10),
  },
  relayFee: {
    variable: "RESTANTE_RELAY_FEE",
    fallback: String(DEFAULT_TARIFF.relayPer465Bytes),
    describe: "μ for every 465 bytes begun of a message",
    read: (text) => wholeNumber(text, 0, 1e9),
  },
  storageFee: {
    variable: "RESTANTE_STORAGE_FEE",
    fallback: String(DEFAULT_TARIFF.storagePerMiBHour),
    describe: "μ for a MiB kept an hour",
    read: (text) => wholeNumber(text, 0, 1e9),
  },
  metrics: {
    variable: "RESTANTE_METRICS",
    fallback: "loopback",
    describe:
      "who may read /metrics: loopback for this machine alone, open, off, or token:SECRET for who sends it as a bearer token",
    read: parseMetricsReaders,
  },
  log: {
    variable: "RESTANTE_LOG",
    fallback: "",
    describe:
      "json or text, how the log on standard error is written; if not set, text on a terminal and json elsewhere",
    read: (text) => text === "" ? null : oneOf(text, LOG_FORMATS),
  },
  logLevel: {
    variable: "RESTANTE_LOG_LEVEL",
    fallback: "info",
    describe: `the least that is logged: ${LEVELS.join(", ")}`,
    read: (text) => oneOf(text, LEVELS),
  },
};

/** A setting that is one of the caps of caps.ts. */
function cap(
  name: keyof Caps,
  variable: string,
  least: number,
  most: number,
): Setting<number> {
  return {
    variable,
    fallback: String(DEFAULT_CAPS[name]),
    describe: CAP_NOTES[name],
    read: (text) => wholeNumber(text, least, most),
  };
}

/**
 * The configuration from an environment. An empty variable counts as not set.
 *
 * @throws {ConfigError} naming the variable and what is wrong with it
 */
export function readConfig(environment: Environment): Config {
  const isOnDeploy = environment("DENO_DEPLOY") !== undefined;
  const entries = Object.entries(SETTINGS).map(
    ([name, { variable, fallback, onDeploy, read }]) => {
      const standard = isOnDeploy ? onDeploy?.(environment) : undefined;
      try {
        return [name, read(environment(variable) || (standard ?? fallback))];
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new ConfigError(`${variable}: ${why}`, { cause });
      }
    },
  );
  return Object.fromEntries(entries) as Config;
}

/** What things cost and what there is room for, by a configuration. */
export function termsOf(config: Config): {
  readonly price: WorkPrice;
  readonly tariff: Tariff;
  readonly quotas: Quotas;
} {
  return {
    quotas: {
      mailbox: {
        bytes: config.mailboxBytes,
        messages: config.mailboxMessages,
      },
      relay: { bytes: config.relayBytes, messages: config.relayMessages },
    },
    price: {
      ...DEFAULT_WORK_PRICE,
      hashes: config.workHashes,
      bytes: config.workBytes,
      seconds: config.workSeconds,
    },
    tariff: {
      relayPer465Bytes: config.relayFee,
      storagePerMiBHour: config.storageFee,
    },
  };
}

function wholeNumber(text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new RangeError(
    `"${text}" is not a whole number from ${least} to ${most}`,
  );
}

function oneOf<Word extends string>(
  text: string,
  words: readonly Word[],
): Word {
  const word = words.find((word) => word === text);
  if (word !== undefined) return word;
  throw new TypeError(`"${text}" is none of ${words.join(", ")}`);
}

/**
 * The origin that Deno Deploy gives to an app on one of its timelines; empty if
 * it does not say which app this is.
 */
function deployOrigin(environment: Environment): string {
  const app = environment("DENO_DEPLOY_APP_SLUG");
  const organization = environment("DENO_DEPLOY_ORG_SLUG");
  if (!app || !organization) return "";
  const [timeline, name] = environment("DENO_TIMELINE")?.split("/") ?? [];
  const host = timeline === "preview"
    ? `${app}-${name}`
    : timeline === "git-branch"
    ? `${app}--${name}`
    : app;
  return `https://${host}.${organization}.deno.net`;
}

/** An origin, without a slash at its end. */
function publicUrl(text: string): string {
  const url = originOf(text);
  if (url !== null) return url;
  throw new TypeError(
    `"${text}" is not a URL of the form https://relay.example`,
  );
}

/** Origins with commas between them. */
function publicUrls(text: string): string[] {
  const urls = text.split(",").map((part) => originOf(part.trim()));
  if (!urls.includes(null)) return urls.filter((url) => url !== null);
  throw new TypeError(
    `"${text}" is not a list of URLs of the form https://relay.example`,
  );
}

function originOf(text: string): string | null {
  const url = URL.parse(text);
  const isOrigin = url !== null && ["http:", "https:"].includes(url.protocol) &&
    url.pathname === "/" &&
    !(url.search || url.hash || url.username || url.password);
  return isOrigin ? url.origin : null;
}

function base64(text: string): Bytes {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw new TypeError("the value is not base64"); // and is not repeated: it is a key
  }
}
