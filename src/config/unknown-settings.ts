/** Prefixes of this program's settings that other programs are unlikely to use. */
const prefixes =
  /^(?:IMAGEKIT|IMAGE_KIT|S3|MAIL|SWEEP|CORS|OIDC|METRICS|RATE_LIMIT|UPLOADS?|JWT|TRUST_PROXY|DATABASE)_/;

/** Variables that Kubernetes and Docker set for linked services, which may have names like `mail`. */
const serviceLink = /_SERVICE_(?:HOST|PORT)|_PORT_\d+_(?:TCP|UDP)|_ENV_/;

/**
 * Finds environment variables that look like misspelt settings.
 * @param known the names of all settings
 * @returns one sentence per variable, without its value
 */
export function unknownSettings(
  environment: Readonly<Record<string, string | undefined>>,
  known: ReadonlySet<string>,
): string[] {
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (known.has(name) || !value || serviceLink.test(name) || /^(?:tcp|udp):\/\//.test(value)) continue;
    const hasKnownPrefix = prefixes.test(name);
    const misspelt = mostSimilar(name, known);
    const similar = misspelt ? [misspelt] : sharingWords(name, known, hasKnownPrefix);
    const unknown = `${name} is not a setting of this program.`;
    if (similar.length > 0) warnings.push(`${unknown} Did you mean ${similar.join(" or ")}?`);
    else if (hasKnownPrefix) warnings.push(unknown);
  }
  return warnings;
}

/** Returns the most similar known name. It may differ in two letters, a short name in one. */
function mostSimilar(name: string, known: ReadonlySet<string>): string | undefined {
  const written = lettersOf(name);
  let similar: string | undefined;
  let fewest = 3;
  for (const candidate of known) {
    const letters = lettersOf(candidate);
    if (Math.abs(letters.length - written.length) > 2) continue;
    const differences = distance(written, letters);
    if (differences >= fewest || (letters.length <= 6 && differences > 1)) continue;
    similar = candidate;
    fewest = differences;
  }
  return similar;
}

/**
 * Returns the known names that need the fewest additional words: `JWT_SECRET` needs one for `JWT_SECRET_KEY`, as does
 * `S3_SECRET_KEY` for `S3_SECRET_ACCESS_KEY`. The first word and at least two words must match.
 * @param extended whether the name may also have additional words itself, as in `DATABASE_URL_FILE`
 */
function sharingWords(name: string, known: ReadonlySet<string>, extended: boolean): string[] {
  const written = wordsOf(name);
  let similar: string[] = [];
  let fewest = Infinity;
  for (const candidate of known) {
    const words = wordsOf(candidate);
    const isShortened = isWithin(written, words);
    if (words[0] !== written[0] || !(isShortened || (extended && isWithin(words, written)))) continue;
    const lacking = Math.abs(words.length - written.length);
    if (lacking < fewest) similar = [];
    if (lacking <= fewest) similar.push(candidate);
    fewest = Math.min(fewest, lacking);
  }
  return similar;
}

const wordsOf = (name: string) => name.toUpperCase().split("_");

/** Whether the words, at least two, occur among the others in the same order. */
function isWithin(words: readonly string[], others: readonly string[]): boolean {
  let found = 0;
  for (const word of others) if (word === words[found]) found += 1;
  return words.length > 1 && found === words.length;
}

const lettersOf = (name: string) => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");

/** The optimal string alignment distance: insertions, deletions, replacements and swaps of neighbouring letters. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, rows[i - 2]![j - 2]! + 1);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
