/**
 * Returns the entry of a version, without its heading, from a changelog that follows Keep a Changelog.
 * @throws Error if there is no such entry or it is empty
 */
export function changelogEntry(changelog: string, version: string): string {
  const heading = `## [${version}]`;
  const entries = changelog.split(/^(?=## )/m);
  const entry = entries.find((text) => text.startsWith(heading));
  const text = entry?.slice(entry.indexOf("\n") + 1).trim();
  if (!text) throw new Error(`CHANGELOG.md has no entry for version ${version} (a heading "${heading}").`);
  return `${text}\n`;
}
