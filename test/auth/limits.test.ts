import { afterAll, beforeAll, expect, test } from "bun:test";

import { TestService } from "../support/service.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({ RATE_LIMIT: "on", TRUST_PROXY: "1" });
  await service.register("ada@example.com");
});
afterAll(() => service.close());

/** A request by way of a trusted proxy. */
const from = (address: string, path: string, body: BodyInit, type?: string) =>
  service.fetch(path, {
    method: "POST",
    body,
    headers: { "x-forwarded-for": address, ...(type === undefined ? {} : { "content-type": type }) },
  });
const login = (address: string, password: string) =>
  from(address, "/auth/jwt/login", new URLSearchParams({ username: "ada@example.com", password }));

test("who guesses passwords is stopped for a while, and the account's owner is not", async () => {
  const statuses: number[] = [];
  for (let guess = 0; guess < 22; guess++)
    statuses.push((await login("203.0.113.1", `guess ${guess}`)).status);
  expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 400));
  expect(statuses.slice(20)).toEqual([429, 429]);
  const stopped = await login("203.0.113.1", "correct horse battery");
  expect([stopped.status, await stopped.json()]).toEqual([429, { detail: "Too many requests" }]);
  expect(Number(stopped.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await login("198.51.100.7", "correct horse battery")).status).toBe(200);
}, 20_000);

test("one address cannot have mails sent without end, known or unknown alike", async () => {
  for (const email of ["ada@example.com", "nobody@example.com"]) {
    const statuses: number[] = [];
    for (let ask = 0; ask < 7; ask++)
      statuses.push(
        (await from("203.0.113.2", "/auth/forgot-password", JSON.stringify({ email }), "application/json"))
          .status,
      );
    expect(statuses).toEqual([202, 202, 202, 202, 202, 429, 429]);
  }
});
