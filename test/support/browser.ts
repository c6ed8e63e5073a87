import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** Chromium for the tests of pages, where there is one. Its headless shell needs half of the processor time. */
export const chromium = ["chromium-headless-shell", "chromium", "google-chrome", "chromium-browser"]
  .map((name) => Bun.which(name))
  .find(Boolean);

/** Pictures of the views, for people to look at; git ignores them. */
const artifacts = join(import.meta.dir, "../../test-artifacts");

/**
 * A host name that the test browsers resolve to this machine. Unlike `localhost` and 127.0.0.1, it is not a secure
 * context over plain HTTP (https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy).
 */
export const plainHost = "photos.test";

/** A page in a real browser that notes what it should not do. */
export class Browser {
  readonly errors: string[] = [];
  readonly requests: string[] = [];

  private constructor(readonly view: Bun.WebView) {}

  /**
   * Opens a page without cookies and stored data of its origin.
   * @param asAnotherTab shares them with the pages that are already open
   */
  static async open(
    address: string,
    size: { width: number; height: number },
    { asAnotherTab = false, language = "en" }: { asAnotherTab?: boolean; language?: string } = {},
  ): Promise<Browser> {
    const view = new Bun.WebView({
      backend: {
        type: "chrome",
        ...(chromium && { path: chromium }),
        argv: ["--no-sandbox", "--disable-quic", `--host-resolver-rules=MAP ${plainHost} 127.0.0.1`],
      },
      console: (type: string, ...told: unknown[]) => type === "error" && browser.errors.push(told.join(" ")),
      ...size,
    });
    const browser = new Browser(view);
    // A first page makes the session that is listened to.
    await view.navigate("about:blank");
    await view.cdp("Network.enable");
    view.addEventListener("Network.requestWillBeSent", (event) => {
      const { request } = (event as MessageEvent<{ request: { url: string } }>).data;
      browser.requests.push(request.url);
    });
    await view.cdp("Runtime.enable");
    view.addEventListener("Runtime.exceptionThrown", (event) =>
      browser.errors.push(JSON.stringify((event as MessageEvent).data)),
    );
    await view.cdp("Log.enable");
    view.addEventListener("Log.entryAdded", (event) => {
      const { entry } = (event as MessageEvent<{ entry: { level: string; text: string } }>).data;
      if (entry.level === "error") browser.errors.push(entry.text);
    });
    if (!asAnotherTab)
      await view.cdp("Storage.clearDataForOrigin", {
        origin: new URL(address).origin,
        storageTypes: "cookies,local_storage",
      });
    await view.cdp("Emulation.setUserAgentOverride", { userAgent: "test", acceptLanguage: language });
    await view.navigate(address);
    return browser;
  }

  /** Follows the operating system's wish for light or dark. */
  scheme(value: "light" | "dark"): Promise<unknown> {
    return this.view.cdp("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value }],
    });
  }

  /** Limits the upload speed to this many bytes per second; without a number, removes the limit. */
  throttle(bytesPerSecond = -1): Promise<unknown> {
    return this.view.cdp("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: bytesPerSecond,
    });
  }

  /** The page's visible text. */
  text(): Promise<string> {
    return this.view.evaluate("document.body.innerText") as Promise<string>;
  }

  /** Opens a view of the page, as a click on its link does. */
  go(hash: string): Promise<unknown> {
    return this.view.evaluate(`void (location.hash = ${JSON.stringify(hash)})`);
  }

  /** Presses the first button with this text. @param within a selector */
  async press(text: string, within = "body"): Promise<void> {
    const button = `[...document.querySelectorAll(${JSON.stringify(`${within} button`)})].find((b) => b.textContent.trim() === ${JSON.stringify(text)} && !b.disabled && !b.hidden)`;
    await this.until(button);
    await this.view.evaluate(`${button}.click()`);
  }

  /** Signs in, by default with the password of the accounts of test services, and waits for the feed. */
  async signIn(email: string, password = "correct horse battery"): Promise<void> {
    const form = JSON.stringify({ username: email, password });
    // Relative to the script, because the page's own address may lack the slash after a path prefix.
    const status = await this.view.evaluate(
      `fetch(new URL("../auth/cookie/login", document.querySelector("script[src]").src), { method: "POST", body: new URLSearchParams(${form}) }).then(({ status }) => status)`,
    );
    if (status !== 204) throw new Error(`The login of ${email} was answered ${status}.`);
    await this.view.reload();
    await this.until(`document.querySelector("#files")`);
  }

  /** Chooses an entry of the menu of a post, or of the large view. @param within a selector */
  async menu(entry: string, within = ".post"): Promise<void> {
    const opener = `document.querySelector(${JSON.stringify(`${within} .menu-button`)})`;
    const item = `[...document.querySelectorAll("[role=menuitem]")].find((item) => item.checkVisibility() && item.textContent === ${JSON.stringify(entry)})`;
    // A view that is still closing takes the focus when it has, which closes the menu.
    await this.until(
      `((item, opener) => item ? [item.click()] : void (opener?.ariaExpanded === "false" && opener.click()))(${item}, ${opener})`,
    );
  }

  /** Waits until the expression is true in the page, this many seconds at most. */
  async until(expression: string, seconds = 20): Promise<void> {
    for (let tries = 0; tries < seconds * 40; tries++) {
      if (await this.view.evaluate(`Boolean(${expression})`)) return;
      await Bun.sleep(25);
    }
    throw new Error(
      `never became true: ${expression}; page says: ${await this.view.evaluate("document.body.innerText")}`,
    );
  }

  /** Types into the field that the selector names. */
  async fill(selector: string, text: string): Promise<void> {
    const field = `document.querySelector(${JSON.stringify(selector)})`;
    await this.until(field);
    await this.view.evaluate(`${field}.scrollIntoView({ block: "center" })`);
    await this.view.click(selector);
    await this.view.evaluate(`${field}.select?.()`);
    await this.view.type(text);
  }

  /** Gives files to a file input, as a person would in the browser's dialog. */
  async choose(selector: string, paths: string[]): Promise<void> {
    const { root } = (await this.view.cdp("DOM.getDocument")) as { root: { nodeId: number } };
    const { nodeId } = (await this.view.cdp("DOM.querySelector", { nodeId: root.nodeId, selector })) as {
      nodeId: number;
    };
    await this.view.cdp("DOM.setFileInputFiles", { nodeId, files: paths });
  }

  /** Keeps a picture of what is to be seen. */
  async picture(name: string): Promise<void> {
    mkdirSync(artifacts, { recursive: true });
    await Bun.write(join(artifacts, `${name}.png`), await this.view.screenshot());
  }

  close(): void {
    this.view.close();
  }
}
