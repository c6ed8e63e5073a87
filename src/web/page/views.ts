import type { PostList } from "./post-list.ts";

/** What a view gets from the router. */
export interface ViewContext {
  /** The part of the fragment after the route, such as the id in `#/user/{id}`; empty without one. */
  readonly id: string;
  /** The query of the fragment, as in `#/reset?token=…`. */
  readonly parameters: URLSearchParams;
  /** Aborts once the view cannot be shown again. Its timers, observers and listeners must end then. */
  readonly signal: AbortSignal;
  /** Replaces the title that the view began with. */
  setTitle(title: string): void;
}

/** A view as the router shows it. */
export interface View {
  /** The title of the view; the router adds the site's name. */
  readonly title: string;
  readonly content: HTMLElement;
  /** Whether Back returns to this view at the same place. Until then the view stays alive. */
  readonly isKept?: boolean;
  /** Called each time the view appears. */
  shown?(): void;
  /** The posts of the view, which the large view can step through. */
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
