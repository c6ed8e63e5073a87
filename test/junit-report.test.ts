import { expect, test } from "bun:test";

import { readReport } from "./support/junit-report.ts";

test("report of tests: names clean files, failures and how many passed", () => {
  const report = readReport(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="5" assertions="1" failures="2" skipped="1" time="0.46">
  <testsuite name="test/a.test.ts" file="test/a.test.ts" tests="3" assertions="1" failures="1" skipped="1" time="0.04">
    <testsuite name="x &amp; y" file="test/a.test.ts" line="2" tests="3" failures="0" skipped="1" time="0">
      <testcase name="fails &lt;here&gt;" classname="x &amp; y" time="0.1" file="test/a.test.ts" line="2" assertions="1">
        <failure type="AssertionError" message="Expected: 2&#10;Received: 1&#10;">details</failure>
      </testcase>
      <testcase name="ok" classname="x &amp; y" time="0.000037" file="test/a.test.ts" line="2" assertions="0" />
    </testsuite>
  </testsuite>
  <testsuite name="test/b.test.ts" file="test/b.test.ts" tests="1" assertions="0" failures="0" skipped="0" time="0.3">
  </testsuite>
  <testsuite name="test/c.test.ts" file="test/c.test.ts" tests="1" assertions="0" failures="1" skipped="0" time="0.3">
    <testcase name="waits" classname="" time="0.3" file="test/c.test.ts" line="3" assertions="0">
      <failure type="TimeoutError" message="test timed out" />
    </testcase>
  </testsuite>
</testsuites>`);
  expect([...report.clean]).toEqual(["test/b.test.ts"]);
  expect(report.failures).toEqual([
    { file: "test/a.test.ts", title: "x & y > fails <here>", message: "Expected: 2\n    Received: 1" },
    { file: "test/c.test.ts", title: "waits", message: "test timed out" },
  ]);
  expect(report.passed).toBe(2);
});

test("report of tests: an empty report names no clean file", () => {
  expect(readReport("")).toEqual({ clean: new Set(), failures: [], passed: 0 });
});
