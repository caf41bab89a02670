import assert from "node:assert/strict";
import {
  isInNetwork,
  parseIp,
  parseNetwork,
  subscriberOf,
} from "../../lib/ip.ts";
import { clientAddress, parseProxies } from "../../relay/proxies.ts";

Deno.test("parseIp() reads every way to write an address, and nothing else", async (t) => {
  const table: [string, string | null][] = [
    ["1.2.3.4", "4:1020304"],
    ["255.255.255.255", "4:ffffffff"],
    ["0.0.0.0", "4:0"],
    ["::ffff:1.2.3.4", "4:1020304"],
    ["::ffff:102:304", "4:1020304"],
    ["2001:db8::1", "6:20010db800000000"],
    ["2001:DB8:0:0:1::1", "6:20010db800000000"],
    ["2001:db8:0:1::", "6:20010db800000001"],
    ["1:2:3:4:5:6:7:8", "6:1000200030004"],
    ["::", "6:0"],
    ["::1", "6:0"],
    ["1.2.3", null],
    ["1.2.3.256", null],
    ["01.2.3.4", null],
    ["1.2.3.4.5", null],
    ["1.2.3.4 ", null],
    ["", null],
    [":", null],
    ["g::", null],
    ["1:2:3", null],
    ["1::2::3", null],
    ["::1%eth0", null],
    ["unknown", null],
  ];
  for (const [text, subscriber] of table) {
    await t.step(text, () => {
      const address = parseIp(text);
      assert.equal(address && subscriberOf(address), subscriber);
    });
  }
});

Deno.test("isInNetwork() compares as many bits as the prefix says", () => {
  const table: [string, string, boolean][] = [
    ["10.255.0.1", "10.0.0.0/8", true],
    ["11.0.0.0", "10.0.0.0/8", false],
    ["10.1.0.1", "10.1.0.1", true],
    ["10.1.0.2", "10.1.0.1/32", false],
    ["10.1.0.3", "10.1.0.2/31", true],
    ["1.2.3.4", "0.0.0.0/0", true],
    ["::1", "0.0.0.0/0", false],
    ["fd00::9", "fd00::/8", true],
    ["fe00::9", "fd00::/8", false],
  ];
  for (const [text, network, expected] of table) {
    const address = parseIp(text);
    const range = parseNetwork(network);
    assert.ok(address && range);
    assert.equal(isInNetwork(address, range), expected, `${text} ${network}`);
  }
  for (
    const text of ["", "10.0.0.0/33", "::/129", "10.0.0.0/", "10/8", "::/1/2"]
  ) {
    assert.equal(parseNetwork(text), null, text);
  }
});

Deno.test("clientAddress() believes trusted proxies, and never the client", async (t) => {
  const table: [string, string | undefined, string, string][] = [
    // peer, X-Forwarded-For, proxies, client
    ["1.1.1.1", undefined, "0", "1.1.1.1"],
    ["1.1.1.1", "6.6.6.6", "0", "1.1.1.1"],
    ["1.1.1.1", "6.6.6.6, 2.2.2.2", "1", "2.2.2.2"],
    ["1.1.1.1", "6.6.6.6, 2.2.2.2", "2", "6.6.6.6"],
    ["1.1.1.1", "2.2.2.2", "3", "2.2.2.2"],
    ["1.1.1.1", undefined, "1", "1.1.1.1"],
    ["1.1.1.1", "unknown", "1", "1.1.1.1"],
    // Behind one that hides its clients nothing is believed.
    ["1.1.1.1", "6.6.6.6, unknown", "2", "1.1.1.1"],
    ["1.1.1.1", "6.6.6.6, unknown, 2.2.2.2", "3", "2.2.2.2"],
    // Of many entries those count that were added last.
    ["1.1.1.1", `${"6.6.6.6, ".repeat(40)}2.2.2.2`, "1", "2.2.2.2"],
    ["10.0.0.1", "6.6.6.6, 2.2.2.2", "10.0.0.0/8", "2.2.2.2"],
    ["10.0.0.1", "6.6.6.6, 2.2.2.2, 10.9.9.9", "10.0.0.0/8", "2.2.2.2"],
    ["1.1.1.1", "6.6.6.6", "10.0.0.0/8", "1.1.1.1"],
    ["::1", "2.2.2.2:8080", "10.0.0.0/8,::1", "2.2.2.2"],
    ["10.0.0.1", "[2001:db8::7]:80", "10.0.0.0/8", "2001:db8::9"],
  ];
  for (const [peer, forwarded, proxies, client] of table) {
    await t.step(`${peer} < ${forwarded} by ${proxies}`, () => {
      const found = clientAddress(peer, forwarded, parseProxies(proxies));
      const expected = parseIp(client);
      assert.ok(found && expected);
      assert.equal(subscriberOf(found), subscriberOf(expected));
    });
  }
});

Deno.test("parseProxies() refuses what is neither a count nor networks", () => {
  for (const text of ["x", "-1", "10.0.0.0/40", "10.0.0.0/8,", "100"]) {
    assert.throws(() => parseProxies(text), TypeError, text);
  }
});
