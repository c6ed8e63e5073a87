import { expect, test } from "bun:test";

import { createLog, jsonLine, readableLine, type LogFormat } from "../../src/observability/log.ts";

const lines: string[] = [];
const logOf = (format: LogFormat) => createLog("info", (line) => void lines.push(line), format);
const lastLine = () => lines.at(-1)!;

test("log: writes one JSON object per line, and nothing below its level", () => {
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
])("log: for %s, only events of level error include a stack", (_, format) => {
  const log = logOf(format);
  const failure = Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" });
  log.warn("request.failed", { cause: failure });
  expect(lastLine()).toContain("connection refused");
  expect(lastLine()).toContain("ECONNREFUSED");
  expect(lastLine()).not.toContain("log.test.ts");
  log.error("request.failed", { error: failure });
  expect(lastLine()).toContain("log.test.ts");
});

test("log: leaves out the parameters of a failed query", () => {
  const query = Object.assign(new Error("Failed query: select ... params: ada@example.com"), {
    params: ["ada@example.com"],
  });
  logOf(jsonLine).error("request.failed", { error: query });
  expect(lastLine()).toContain("a query failed");
  expect(lastLine()).not.toContain("ada@example.com");
});
