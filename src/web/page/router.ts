import { closeDialogs } from "./dialogs.ts";
import type { PostList } from "./post-list.ts";
import { session } from "./session.ts";

/** What a view gets from the router. */
export interface ViewContext {
  /** The part of the fragment after the route, such as the id in `#/user/{id}`; empty without one. */
  readonly id: string;
  /** The query of the fragment, as in `#/reset?token=…`. */
  readonly parameters: URLSearchParams;
  /** Aborts when the view is left for good: ends its timers, observers and listeners. */
  readonly signal: AbortSignal;
  /** Replaces the title that the view began with. */
  setTitle(title: string): void;
}

/** A view as the router shows it. */
export interface View {
  /** The title of the view; the router adds the site's name. */
  readonly title: string;
  readonly content: HTMLElement;
  /** Keeps the view and its place for the Back button. Such a view stays alive while it is not shown. */
  readonly isKept?: boolean;
  /** Called each time the view appears. */
  shown?(): void;
  /** The posts in the view, among which the large view moves. */
  readonly list?: PostList;
}

/** A view that is shown above another one, in a dialog. */
export interface Overlay {
  readonly title: string;
}

export interface OverlayContext extends ViewContext {
  /** The posts of the view beneath. */
  readonly list: PostList | undefined;
  /** Goes back to the view beneath. */
  close(): void;
}

export type Audience = "everybody" | "users" | "superusers";

/** A view, or an overlay, by the first part of the fragment. */
export type Route =
  | { readonly audience: Audience; readonly view: (context: ViewContext) => View }
  | { readonly audience: Audience; readonly overlay: (context: OverlayContext) => Overlay };

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
  /** Called after every change of the view. @param name the route's name */
  readonly onShown: (name: string) => void;
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

/** How many views wait for the Back button. */
const maxKept = 3;

/** Shows the view that the address's fragment names, such as `#/user/{id}`. */
export function createRouter(options: RouterOptions) {
  const { main, routes, notFound, forbidden, signIn, siteName, onShown } = options;
  let current: ShownView | undefined;
  let overlay: AbortController | undefined;
  let kept: ShownView[] = [];
  history.scrollRestoration = "manual";

  const setTitle = (title: string) => void (document.title = `${siteName} – ${title}`);

  /** Shows the view of the present address. @param moveFocus whether the focus moves to it */
  function show(moveFocus: boolean): void {
    const wasOverlay = overlay !== undefined;
    overlay?.abort();
    overlay = undefined;
    closeDialogs();
    const { hash } = location;
    const { name, id, parameters } = parse(hash);
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
      return onShown(name);
    }
    if (current?.entry !== entry) {
      put(kept.find((candidate) => candidate.entry === entry) ?? create(hash, entry));
      if (moveFocus) focusHeading();
    }
    setTitle(current!.title);
    onShown(name);
  }

  /** Creates a view without showing it. */
  function create(hash: string, entry: number): ShownView {
    const { name, id, parameters } = parse(hash);
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

  function focusHeading(): void {
    const heading = main.querySelector("h1") ?? main;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }

  addEventListener("hashchange", () => show(true));

  return {
    /** Shows the first view; the focus stays where it is. */
    start: () => show(false),
    /** Ends every view and shows the present address's anew, for another account. */
    restart() {
      for (const { end } of kept) end.abort();
      kept = [];
      current?.end.abort();
      current = undefined;
      show(true);
    },
  };
}

export type Router = ReturnType<typeof createRouter>;

/** Splits `#/user/{id}?a=b`. */
function parse(hash: string) {
  const [path = "", query] = hash.replace(/^#\/?/, "").split("?");
  const [name = "", id = "", ...rest] = path.split("/");
  // No route has a third part.
  return { name: rest.length > 0 ? path : name, id: decode(id), parameters: new URLSearchParams(query) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function isAllowed({ audience }: Route): boolean {
  const { account } = session;
  if (audience === "everybody") return true;
  return account !== null && (audience === "users" || account.is_superuser);
}

/** Returns the number of the present history entry, which the entry keeps. A new entry gets one. */
function historyEntry(): number {
  const known: unknown = history.state?.entry;
  if (typeof known === "number") return known;
  const entry = Math.random();
  history.replaceState({ ...history.state, entry }, "");
  return entry;
}
