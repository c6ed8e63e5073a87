import { describe, expect, test } from "bun:test";

import { parseNetworks } from "../../src/config/trusted-proxies.ts";
import { clientAddress, clientNetwork, clientNetworks } from "../../src/http/client-address.ts";

test("client address: ignores X-Forwarded-For without a trusted proxy", () => {
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
])("client address: with %p trusted proxies, of %p the client is %p", (trusted, header, client) => {
  expect(clientAddress("::ffff:127.0.0.1", header, trusted)).toBe(client);
});

describe("client address: with networks of trusted proxies", () => {
  const trusted = parseNetworks("10.0.0.0/8, 192.0.2.7,fd00::/8 , 2001:db8::/33,::ffff:172.16.0.0/108")!;

  test.each([
    ["203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["10.0.0.2", "198.51.100.1", "198.51.100.1"],
    ["::ffff:10.0.0.2", "198.51.100.1", "198.51.100.1"],
    ["fd12::7", "198.51.100.1", "198.51.100.1"],
    ["2001:db8:7fff::1", "198.51.100.1", "198.51.100.1"],
    ["2001:db8:8000::1", "198.51.100.1", "2001:db8:8000::1"],
    ["172.31.0.1", "198.51.100.1", "198.51.100.1"],
    ["172.32.0.1", "198.51.100.1", "172.32.0.1"],
    ["192.0.2.7", "198.51.100.1", "198.51.100.1"],
    ["192.0.2.8", "198.51.100.1", "192.0.2.8"],
    ["10.0.0.2", "6.6.6.6, 198.51.100.1, 10.9.9.9, fd00::1", "198.51.100.1"],
    ["10.0.0.2", "6.6.6.6, 10.1.1.1, 198.51.100.1", "198.51.100.1"],
    ["10.0.0.2", "::ffff:198.51.100.1:4711, [::ffff:10.1.1.1]:4711", "10.1.1.1"],
    ["10.0.0.2", "10.0.0.4, 10.0.0.3", "10.0.0.4"],
    ["10.0.0.2", "6.6.6.6, unknown", "10.0.0.2"],
    ["10.0.0.2", null, "10.0.0.2"],
    [undefined, "198.51.100.1", "unknown"],
  ])(
    "client address: with trusted networks, from peer %p with %p the client is %p",
    (peer, header, client) => {
      expect(clientAddress(peer, header, trusted)).toBe(client);
    },
  );

  test.each([
    "",
    "10.0.0.0/33",
    "10.0.0/8",
    "fd00::/129",
    "10.0.0.0/8,",
    "10.0.0.0/8 fd00::/8",
    "proxy.example.com",
    "10.0.0.0/-1",
    "10.0.0.0/",
    "::ffff:10.0.0.0/90",
    "010.0.0.1",
  ])("trusted proxies: rejects %p as a list of networks", (text) => {
    expect(parseNetworks(text)).toBeUndefined();
  });
});

test("client networks: an IPv6 address counts in its /64, /56 and /48, and an IPv4 address on its own", () => {
  expect(clientNetworks("2001:db8:1:1234:5::6")).toEqual([
    { name: "2001:db8:1::/48", shares: 16 },
    { name: "2001:db8:1:1200::/56", shares: 4 },
    { name: "2001:db8:1:1234::/64", shares: 1 },
  ]);
  expect(clientNetworks("2001:db8::6").map(({ name }) => name)).toEqual([
    "2001:db8:0::/48",
    "2001:db8:0:0::/56",
    "2001:db8:0:0::/64",
  ]);
  expect(clientNetworks("203.0.113.9")).toEqual([{ name: "203.0.113.9", shares: 1 }]);
  expect(clientNetworks("unknown")).toEqual([{ name: "unknown", shares: 1 }]);
});

test("client network: is the /64 of an IPv6 address, and an IPv4 address itself", () => {
  expect(clientNetwork("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
  expect(clientNetwork("2001:db8::6")).toBe("2001:db8:0:0::/64");
  expect(clientNetwork("2001:db8:1:2::")).toBe("2001:db8:1:2::/64");
  expect(clientNetwork("::1")).toBe("0:0:0:0::/64");
  expect(clientNetwork("203.0.113.9")).toBe("203.0.113.9");
  expect(clientNetwork("unknown")).toBe("unknown");
});
