import { expect, test } from "bun:test";

import { createLog, jsonLine, readableLine, type LogFormat } from "../../src/observability/log.ts";

const lines: string[] = [];
const logOf = (format: LogFormat) => createLog("info", (line) => void lines.push(line), format);
const lastLine = () => lines.at(-1)!;

test("a line is one JSON object, and below its level there is none", () => {
  const log = logOf(jsonLine);
  log.info("request", { status: 200, user: undefined });
  expect(JSON.parse(lastLine())).toEqual({
    time: expect.any(String),
    level: "info",
    event: "request",
    status: 200,
  });
  log.debug("unsaid");
  expect(lines).toHaveLength(1);
});

test.each([
  ["programs", jsonLine],
  ["people", readableLine],
])(
  "for %s, the place of an error is told where it may be ours, of a failure outside only what it was",
  (_, format) => {
    const log = logOf(format);
    const failure = Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" });
    log.warn("request.failed", { cause: failure });
    expect(lastLine()).toContain("connection refused");
    expect(lastLine()).toContain("ECONNREFUSED");
    expect(lastLine()).not.toContain("log.test.ts");
    log.error("request.failed", { error: failure });
    expect(lastLine()).toContain("log.test.ts");
  },
);

test("what a failed query was given stays unsaid", () => {
  const query = Object.assign(new Error("Failed query: select ... params: ada@example.com"), {
    params: ["ada@example.com"],
  });
  logOf(jsonLine).error("request.failed", { error: query });
  expect(lastLine()).toContain("a query failed");
  expect(lastLine()).not.toContain("ada@example.com");
});
