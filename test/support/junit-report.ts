/** A test that failed. */
export interface Failure {
  readonly file: string;
  readonly title: string;
  readonly message: string;
}

/** What a report of `bun test --reporter=junit` says. */
export interface Report {
  /** The files of which no test failed. */
  readonly clean: ReadonlySet<string>;
  readonly failures: readonly Failure[];
  /** How many tests passed. */
  readonly passed: number;
}

const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&", "#10": "\n" };
const unescape = (text: string): string =>
  text.replace(/&([a-z]+|#10);/g, (whole, name: string) => entities[name] ?? whole);

const attribute = (tag: string, name: string): string =>
  unescape(new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? "");

/** @param xml the report, whose attributes hold no quotes or angle brackets unescaped */
export function readReport(xml: string): Report {
  const clean = new Set<string>();
  // The suites of files are the ones directly below the root; those inside them are `describe` blocks.
  for (const [tag] of xml.matchAll(/^ {2}<testsuite [^>]*>/gm))
    if (attribute(tag, "failures") === "0") clean.add(attribute(tag, "file"));
  const failures: Failure[] = [];
  for (const [, testcase = "", failure = ""] of xml.matchAll(/(<testcase [^>]*>)\s*(<failure [^>]*>)/g))
    failures.push({
      file: attribute(testcase, "file"),
      title: [attribute(testcase, "classname"), attribute(testcase, "name")].filter(Boolean).join(" > "),
      message: attribute(failure, "message").trim().replaceAll("\n", "\n    "),
    });
  const total = (name: string) => Number(attribute(/<testsuites [^>]*>/.exec(xml)?.[0] ?? "", name));
  return { clean, failures, passed: total("tests") - total("failures") - total("skipped") };
}
