import { afterAll, expect, test } from "bun:test";

import { traceIdOf } from "../../src/http/request-id.ts";
import { TestService } from "../support/service.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = "00f067aa0ba902b7";
const idOf = (traceparent: string) =>
  traceIdOf(new Request("http://localhost/", { headers: { traceparent } }));

test.each([
  `00-${trace}-${parent}-01`,
  `00-${trace}-${parent}-00`,
  `cc-${trace}-${parent}-01-what-the-future-brings`,
])("trace context: reads the trace id of %s", (traceparent) => {
  expect(idOf(traceparent)).toBe(trace);
});

test.each([
  "",
  trace,
  `00-${trace}-${parent}`,
  `00-${trace}-${parent}-01-more`,
  `ff-${trace}-${parent}-01`,
  `00-${"0".repeat(32)}-${parent}-01`,
  `00-${trace}-${"0".repeat(16)}-01`,
  `00-${trace.toUpperCase()}-${parent}-01`,
  `00-${trace}-${parent}-01, 00-${trace}-${parent}-01`,
  `00-${trace}"-${parent}-01`,
  `0-${trace}-${parent}-01`,
])("trace context: ignores the invalid header %p", (traceparent) => {
  expect(idOf(traceparent)).toBeUndefined();
});

let service: TestService;
afterAll(() => service.close());

test("trace context: log lines of a request have its trace id, and other lines have none", async () => {
  service = await TestService.start();
  await service.register("ada@example.com");
  const headers = { traceparent: `00-${trace}-${parent}-01` };
  await service.fetch("/users/me", { headers });
  await service.fetch("/auth/jwt/login", {
    method: "POST",
    headers,
    body: new URLSearchParams({ username: "ada@example.com", password: "wrong" }),
  });
  await service.fetch("/users/me", { headers: { traceparent: "junk" } });
  const told = service.logged
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ trace_id }) => trace_id !== undefined)
    .map(({ event, route, trace_id }) => [event, route, trace_id]);
  expect(told).toEqual([
    ["request", "/users/me", trace],
    ["login.failed", undefined, trace],
    ["request", "/auth/jwt/login", trace],
  ]);
});
