import type { Browser } from "./browser.ts";

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary: string }[];
}

const script = await Bun.file(Bun.resolveSync("axe-core/axe.min.js", import.meta.dir)).text();

/**
 * Checks what a browser shows with axe, by its default rules and the size of targets, in light and dark.
 * @param name of the view, for the messages
 * @returns the violations in words; none for an accessible view
 */
export async function violationsIn(browser: Browser, name: string): Promise<string[]> {
  const found: string[] = [];
  if (!(await browser.view.evaluate("Boolean(window.axe)")))
    await browser.view.evaluate(`(() => {${script}\n})()`);
  for (const scheme of ["light", "dark"] as const) {
    await browser.scheme(scheme);
    const json = await browser.view.evaluate(
      `axe.run({ resultTypes: ["violations"], rules: { "target-size": { enabled: true } } }).then(({ violations }) => JSON.stringify(violations))`,
    );
    for (const { id, help, nodes } of JSON.parse(json as string) as Violation[])
      for (const { html, failureSummary } of nodes)
        found.push(`${name}, ${scheme}: ${id}: ${help}: ${html} ${failureSummary}`);
  }
  return found;
}
