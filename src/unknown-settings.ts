/** Beginnings of our names that other programs are unlikely to use. */
const prefixes =
  /^(?:IMAGEKIT|IMAGE_KIT|S3|MAIL|SWEEP|CORS|METRICS|RATE_LIMIT|UPLOADS?|JWT|TRUST_PROXY|DATABASE)_/;

/** Names that Kubernetes and Docker derive from the names of other services, which may be called `mail`. */
const serviceLink = /_SERVICE_(?:HOST|PORT)|_PORT_\d+_(?:TCP|UDP)|_ENV_/;

/**
 * Finds the names in an environment that look like misspelt settings.
 * @param known the names of all settings
 * @returns a sentence for each, without its value
 */
export function unknownSettings(
  environment: Readonly<Record<string, string | undefined>>,
  known: ReadonlySet<string>,
): string[] {
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (known.has(name) || !value || serviceLink.test(name) || /^(?:tcp|udp):\/\//.test(value)) continue;
    const looksLikeOurs = prefixes.test(name);
    const misspelt = mostSimilar(name, known);
    const similar = misspelt ? [misspelt] : sharingWords(name, known, looksLikeOurs);
    const unknown = `${name} is not a setting of this program.`;
    if (similar.length > 0) warnings.push(`${unknown} Did you mean ${similar.join(" or ")}?`);
    else if (looksLikeOurs) warnings.push(unknown);
  }
  return warnings;
}

/** The known name that differs least: in at most one letter if it is short, in two otherwise. */
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
 * The known names of which this one lacks the fewest words: `JWT_SECRET` and `S3_SECRET_KEY` lack one of `JWT_SECRET_KEY` and
 * `S3_SECRET_ACCESS_KEY`. Both begin with the same word, and at least two words are the same.
 * @param extended whether the name may also have words that the known one lacks, as in `DATABASE_URL_FILE`
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

/** Whether two or more words are among others in the same order. */
function isWithin(words: readonly string[], others: readonly string[]): boolean {
  let found = 0;
  for (const word of others) if (word === words[found]) found += 1;
  return words.length > 1 && found === words.length;
}

const lettersOf = (name: string) => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");

/** Letters to insert, delete, replace or swap with a neighbour: the optimal string alignment distance. */
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
