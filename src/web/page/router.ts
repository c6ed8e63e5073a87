import { closeDialogs } from "./dialogs.ts";
import { moveFocusTo } from "./element.ts";
import { parseFragment } from "./fragment.ts";
import { session } from "./session.ts";
import type { Route, View } from "./views.ts";

export interface RouterOptions {
  readonly main: HTMLElement;
  /** Routes by name: `user` for `#/user/{id}`, and the empty name for `#/`. */
  readonly routes: ReadonlyMap<string, Route>;
  readonly notFound: () => View;
  /** Shown instead of a view for superusers. */
  readonly forbidden: () => View;
  /** Shown instead of a view for which the user must sign in. */
  readonly signIn: () => View;
  readonly siteName: string;
  /** Called after every change of the view. */
  readonly onShown: () => void;
}

interface ShownView {
  readonly view: View;
  title: string;
  readonly hash: string;
  /** The history entry to which the view belongs; see {@link historyEntry}. */
  readonly entry: number;
  readonly end: AbortController;
  scrollY: number;
}

/** How many views are kept for the Back button. */
const maxKept = 3;

/** Shows the view that the address's fragment names, such as `#/user/{id}`. */
export function createRouter(options: RouterOptions) {
  const { main, routes, notFound, forbidden, signIn, siteName, onShown } = options;
  let current: ShownView | undefined;
  let overlay: AbortController | undefined;
  let kept: ShownView[] = [];
  history.scrollRestoration = "manual";

  const setTitle = (title: string) => void (document.title = `${siteName} – ${title}`);

  /** Shows the view of the current address. @param moveFocus whether to move the focus to it */
  function show(moveFocus: boolean): void {
    const wasOverlay = overlay !== undefined;
    overlay?.abort();
    overlay = undefined;
    closeDialogs();
    const { hash } = location;
    const { name, id, parameters } = parseFragment(hash);
    const route = routes.get(name);
    const isNew = !Number.isFinite(history.state?.entry);
    const entry = historyEntry();
    if (route && "overlay" in route && isAllowed(route)) {
      // Back or Forward may lead to an overlay whose view beneath is no longer the current one.
      const opener = kept.find((candidate) => candidate.entry === history.state?.over);
      if (opener) put(opener);
      const isAbove = current?.view.list !== undefined;
      const beneath = isAbove ? current! : showBeneath();
      // Going back leads to the view beneath if this entry was made there.
      if (isAbove && isNew && !wasOverlay)
        history.replaceState({ ...history.state, over: beneath.entry }, "");
      const end = new AbortController();
      overlay = end;
      const context = { id, parameters, signal: end.signal, setTitle, list: beneath.view.list };
      setTitle(
        route.overlay({ ...context, close: () => !end.signal.aborted && closeOverlay(beneath) }).title,
      );
      return onShown();
    }
    if (current?.entry !== entry) {
      put(kept.find((candidate) => candidate.entry === entry) ?? create(hash, entry));
      if (moveFocus) moveFocusTo(main.querySelector("h1") ?? main);
    }
    setTitle(current!.title);
    onShown();
  }

  /** Creates a view without showing it. */
  function create(hash: string, entry: number): ShownView {
    const { name, id, parameters } = parseFragment(hash);
    const route = routes.get(name);
    const end = new AbortController();
    const created: { shown?: ShownView } = {};
    const context = {
      id,
      parameters,
      signal: end.signal,
      setTitle(title: string) {
        if (created.shown) created.shown.title = title;
        if (created.shown === current && !overlay) setTitle(title);
      },
    };
    const view =
      !route || !("view" in route)
        ? route && !session.account
          ? signIn()
          : notFound()
        : isAllowed(route)
          ? route.view(context)
          : session.account
            ? forbidden()
            : signIn();
    return (created.shown = { view, title: view.title, hash, entry, end, scrollY: 0 });
  }

  /** Shows the feed for an overlay whose address was opened directly. */
  function showBeneath(): ShownView {
    const feed = create("#/", Math.random());
    put(feed);
    return feed;
  }

  function put(next: ShownView): void {
    retire();
    kept = kept.filter((view) => view !== next);
    current = next;
    main.replaceChildren(next.view.content);
    next.view.shown?.();
    scrollTo(0, next.scrollY);
  }

  /** Keeps the current view for the Back button, or ends it. */
  function retire(): void {
    if (!current) return;
    if (!current.view.isKept) return current.end.abort();
    current.scrollY = scrollY;
    kept.push(current);
    while (kept.length > maxKept) kept.shift()!.end.abort();
  }

  function closeOverlay(beneath: ShownView): void {
    if (history.state?.over === beneath.entry) return history.back();
    history.replaceState({ entry: beneath.entry }, "", beneath.hash);
    show(false);
  }

  addEventListener("hashchange", () => show(true));

  return {
    /** Shows the first view without moving the focus. */
    start: () => show(false),
    /** Ends every view and creates that of the current address again, for another account. */
    restart() {
      for (const { end } of kept) end.abort();
      kept = [];
      current?.end.abort();
      current = undefined;
      show(true);
    },
  };
}

function isAllowed({ audience }: Route): boolean {
  const { account } = session;
  if (audience === "everybody") return true;
  return account !== null && (audience === "users" || account.is_superuser);
}

/** Returns the number that identifies the current history entry. A new entry gets one. */
function historyEntry(): number {
  const known: unknown = history.state?.entry;
  if (typeof known === "number") return known;
  const entry = Math.random();
  history.replaceState({ ...history.state, entry }, "");
  return entry;
}
