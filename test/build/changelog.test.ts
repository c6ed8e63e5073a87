import { expect, test } from "bun:test";
import { join } from "node:path";

import { version } from "../../package.json";
import { changelogEntry } from "../../src/build/changelog.ts";

const changelog = `# Changelog

## [1.1.0] - 2026-02-01

### Added

- A feed.

## [1.0.0] - 2026-01-01

- Accounts.
`;

test("changelog: returns the entry of one version only", () => {
  expect(changelogEntry(changelog, "1.1.0")).toBe("### Added\n\n- A feed.\n");
  expect(changelogEntry(changelog, "1.0.0")).toBe("- Accounts.\n");
});

test("changelog: rejects a version with no entry or an empty one", () => {
  expect(() => changelogEntry(changelog, "1.1")).toThrow("no entry for version 1.1 ");
  expect(() => changelogEntry("## [2.0.0]\n\n## [1.0.0]\n\n- Accounts.\n", "2.0.0")).toThrow("2.0.0");
});

test("changelog: has an entry for the current version", async () => {
  const text = await Bun.file(join(import.meta.dir, "../../CHANGELOG.md")).text();
  expect(changelogEntry(text, version)).not.toBe("");
});
