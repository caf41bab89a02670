/** Unwraps what the pool sends: the private operation off the event loop. */
import type { RsaPrivateKey } from "./rsa.ts";
import type { KeyMessage, WorkerReply, WrappedMessage } from "./rsa_message.ts";

/** As much of a worker's global scope as is used here. */
interface WorkerScope {
  onmessage: (event: MessageEvent<KeyMessage | WrappedMessage>) => void;
  postMessage(message: WorkerReply): void;
}

const scope = globalThis as unknown as WorkerScope;
let privateKey: RsaPrivateKey | null = null;

scope.onmessage = async ({ data }) => {
  if ("pkcs8" in data) {
    // Loading it takes its time, and what is sent meanwhile would be lost.
    const { importRsaKey } = await import("./rsa.ts");
    privateKey = await importRsaKey(data.pkcs8);
    scope.postMessage({ isReady: true });
    return;
  }
  if (privateKey === null) throw new Error("a wrapped key before the own one");
  const { key, valid } = privateKey.unwrap(data.wrapped);
  // A copy: the key is a view of the whole block.
  scope.postMessage({ isReady: false, key: key.slice(), valid });
};
