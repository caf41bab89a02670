/** Three workers on one store, as a client behind a balancer sees them. */
import { Relay } from "../../client/mod.ts";
import { sharedPkcs8 } from "../routes/shared_keys.ts";
import { DelayingProxy } from "./delaying_proxy.ts";
import { DenoKv } from "./denokv.ts";
import { Worker } from "./worker.ts";

/** The origin that clients use. */
export const ORIGIN = "https://relay.test";

/** How many workers there are. */
export const WORKERS = 3;

/** The workers of a relay and the server of their store. */
export class Cluster implements AsyncDisposable {
  readonly denokv: DenoKv;
  /** What lies between the workers and their store. */
  readonly network: DelayingProxy;
  readonly workers: readonly Worker[];
  #turn = 0;

  private constructor(
    denokv: DenoKv,
    network: DelayingProxy,
    workers: readonly Worker[],
  ) {
    this.denokv = denokv;
    this.network = network;
    this.workers = workers;
  }

  /** Starts all workers at once, on an empty store so many milliseconds away. */
  static async start({ away = 0 } = {}): Promise<Cluster> {
    await using starting = new AsyncDisposableStack();
    const denokv = starting.use(await DenoKv.start());
    const network = starting.use(new DelayingProxy(denokv.url, away / 2));
    // The tests sign tokens as the relay does; its other key is in the store.
    const { signing } = await sharedPkcs8();
    const environment = {
      DENO_KV_ACCESS_TOKEN: denokv.token,
      RESTANTE_KV: away > 0 ? network.url : denokv.url,
      RESTANTE_URL: ORIGIN,
      RESTANTE_SIGNING_KEY: signing.toBase64(),
      RESTANTE_MAXIMA_KEY: "",
      RESTANTE_HOST: "",
    };
    const workers = await Promise.allSettled(
      Array.from({ length: WORKERS }, () => Worker.start(environment)),
    );
    const started = workers.flatMap((worker) =>
      worker.status === "fulfilled" ? [starting.use(worker.value)] : []
    );
    const failed = workers.find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    starting.move();
    return new Cluster(denokv, network, started);
  }

  /** The next one of those that run. */
  next(): Worker {
    const running = this.workers.filter(({ isRunning }) => isRunning);
    const worker = running[this.#turn++ % running.length];
    if (worker === undefined) throw new Error("no worker is left");
    return worker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
    await this.network[Symbol.asyncDispose]();
    await this.denokv[Symbol.asyncDispose]();
  }
}

/** The relay behind a balancer, which gives each request to the next worker. */
export class BalancedRelay extends Relay {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    super(ORIGIN);
    this.#cluster = cluster;
  }

  override fetch(path: string, request?: RequestInit): Promise<Response> {
    return new Relay(this.#cluster.next().url).fetch(path, request);
  }
}
