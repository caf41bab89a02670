/** `deno task bench [NAME…]`: measures this machine. */
import { benchAccept } from "./accept.ts";
import { benchAbuse } from "./abuse.ts";
import { benchMine } from "./mine.ts";
import { benchNotify } from "./notify.ts";
import { benchReaders } from "./readers.ts";
import { benchMailbox } from "./mailbox.ts";
import { benchSend } from "./send.ts";
import { benchVerify } from "./verify.ts";

const BENCHES: Record<string, () => Promise<void>> = {
  verify: benchVerify,
  mine: benchMine,
  send: benchSend,
  accept: benchAccept,
  notify: benchNotify,
  readers: benchReaders,
  mailbox: benchMailbox,
  abuse: benchAbuse,
};

const names = Deno.args.length > 0 ? Deno.args : Object.keys(BENCHES);
const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  console.error(
    `error: no bench ${unknown.join(", ")}; there are ${
      Object.keys(BENCHES).join(", ")
    }`,
  );
  Deno.exit(1);
}
console.log(
  `deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores`,
);
for (const name of names) await BENCHES[name]?.();
