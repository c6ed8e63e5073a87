import { expect, test } from "bun:test";

import { clientAddress, clientNetwork } from "../../src/http/client-address.ts";

test("without a trusted proxy the header is nobody's business", () => {
  expect(clientAddress("203.0.113.9", "198.51.100.1", 0)).toBe("203.0.113.9");
  expect(clientAddress(undefined, "198.51.100.1", 0)).toBe("unknown");
});

test.each([
  [1, "198.51.100.1", "198.51.100.1"],
  [1, "6.6.6.6, 198.51.100.1", "198.51.100.1"],
  [2, "6.6.6.6, 198.51.100.1,10.0.0.2", "198.51.100.1"],
  [3, "198.51.100.1, 10.0.0.2", "198.51.100.1"],
  [1, null, "127.0.0.1"],
  [1, "", "127.0.0.1"],
  [1, "6.6.6.6, unknown", "127.0.0.1"],
  [2, "6.6.6.6, ' OR 1=1 --, 10.0.0.2", "10.0.0.2"],
  [2, "198.51.100.1, ,", "127.0.0.1"],
  [1, "198.51.100.1:4711", "198.51.100.1"],
  [1, "[2001:DB8:0::7]:4711", "2001:db8::7"],
  [1, "2001:db8::7%eth0", "2001:db8::7"],
  [1, "999.1.1.1", "127.0.0.1"],
  [1, "0x7f.1", "127.0.0.1"],
])("with %p trusted, of %p the client is %p", (trusted, header, client) => {
  expect(clientAddress("::ffff:127.0.0.1", header, trusted)).toBe(client);
});

test("the network of an IPv6 address is its first 64 bits, of an IPv4 address itself", () => {
  expect(clientNetwork("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
  expect(clientNetwork("2001:db8::6")).toBe("2001:db8:0:0::/64");
  expect(clientNetwork("2001:db8:1:2::")).toBe("2001:db8:1:2::/64");
  expect(clientNetwork("::1")).toBe("0:0:0:0::/64");
  expect(clientNetwork("203.0.113.9")).toBe("203.0.113.9");
  expect(clientNetwork("unknown")).toBe("unknown");
});
