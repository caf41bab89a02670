/** Where stores are, and what is known of them by that. */
import assert from "node:assert/strict";
import {
  IN_MEMORY,
  isFile,
  isServer,
  isWatchable,
  PLATFORM_STORE,
} from "../../../kv/store/location.ts";

Deno.test("files, servers and what a watch tells are known by the location", () => {
  const table: [string, { file: boolean; server: boolean; watch: boolean }][] =
    [
      [IN_MEMORY, { file: false, server: false, watch: false }],
      [PLATFORM_STORE, { file: false, server: false, watch: true }],
      ["http://kv.test:4512", { file: false, server: true, watch: true }],
      ["https://kv.test", { file: false, server: true, watch: true }],
      ["restante.kv", { file: true, server: false, watch: false }],
      ["/data/http:", { file: true, server: false, watch: false }],
      ["./platform", { file: true, server: false, watch: false }],
    ];
  for (const [location, { file, server, watch }] of table) {
    assert.equal(isFile(location), file, location);
    assert.equal(isServer(location), server, location);
    assert.equal(isWatchable(location), watch, location);
  }
});
