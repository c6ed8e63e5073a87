/**
 * The text of one version's entry in a changelog that follows Keep a Changelog, without its heading.
 * @throws an error when there is no such entry, or an empty one
 */
export function changelogEntry(changelog: string, version: string): string {
  const heading = `## [${version}]`;
  const entries = changelog.split(/^(?=## )/m);
  const entry = entries.find((text) => text.startsWith(heading));
  const text = entry?.slice(entry.indexOf("\n") + 1).trim();
  if (!text) throw new Error(`CHANGELOG.md has no entry for version ${version} (a heading "${heading}").`);
  return `${text}\n`;
}
