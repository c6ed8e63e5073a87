import type { OwnUserRead } from "../../accounts/user-read.ts";

/** The signed-in account. */
export type Account = OwnUserRead;

/** How the session changed: the user signed in or out, or the service ended the session. */
export type SessionChange = "signed in" | "signed out" | "expired";

/**
 * Tells other tabs, and the next visit, whether an account is signed in: the value is its id, or one of {@link ended}. It
 * holds no secret, because the session's token is in a cookie that scripts cannot read.
 */
const storageKey = "image-sharing-session";

/** `leaving`: the user signed out, but the service has not confirmed it; `expired`: the service ended the session. */
const ended = { leaving: "leaving", expired: "expired" } as const;

/** What this tab knows about the session. Every change is stored for other tabs. */
class Session {
  #account: Account | null = null;
  #generation = 0;
  #isRenewing = false;
  readonly #listeners = new Set<(change: SessionChange) => void>();

  /** The signed-in account; null if there is none, or if it is not known yet. */
  get account(): Account | null {
    return this.#account;
  }

  /** Changes with every sign-in and sign-out, so that late responses to an earlier session can be recognised. */
  get generation(): number {
    return this.#generation;
  }

  /** The latest stored value, which may come from another tab: the id of an account, or how its session ended. */
  get stored(): string | null {
    return localStorage.getItem(storageKey);
  }

  /** Whether the user has signed out, but the service has not confirmed it. */
  get isLeaving(): boolean {
    return this.stored === ended.leaving;
  }

  /** Whether the last visit ended without a sign-out: the user then expects to be signed in. */
  get wasSignedIn(): boolean {
    return this.stored !== null && !Object.values<string>(ended).includes(this.stored);
  }

  begin(account: Account): void {
    localStorage.setItem(storageKey, account.id);
    this.#change(account, "signed in");
  }

  /** Updates the signed-in account after a change. */
  update(account: Account): void {
    if (this.#account?.id === account.id) this.#account = account;
  }

  /** Ends the session at the user's request, before the service has confirmed it. */
  leave(): void {
    localStorage.setItem(storageKey, ended.leaving);
    this.#change(null, "signed out");
  }

  /** Records that the service has ended the session at the user's request, or that there was none. */
  forget(): void {
    localStorage.removeItem(storageKey);
    if (this.#account) this.#change(null, "signed out");
  }

  /**
   * Ends the session because the service rejected a request.
   * @param generation that of the request; nothing happens if the session has changed since
   */
  expire(generation: number): void {
    if (generation !== this.#generation || !this.#account || this.#isRenewing) return;
    // Another tab may have signed out already, and its message may still be on the way.
    if (this.stored === null || this.isLeaving) return this.#change(null, "signed out");
    this.reportExpired();
  }

  /** Ends the session, or records at the start of a visit that it ended since the last one. */
  reportExpired(): void {
    localStorage.setItem(storageKey, ended.expired);
    this.#change(null, "expired");
  }

  /** Whether the session is being replaced by a new one. Until then, requests may be rejected. */
  get isRenewing(): boolean {
    return this.#isRenewing;
  }

  /**
   * Runs a change that replaces the session by a new one. Requests that are rejected meanwhile do not end the session; the
   * change itself reports a failure. Afterwards, listeners are called as after a sign-in.
   */
  async renew<T>(change: () => Promise<T>): Promise<T> {
    this.#isRenewing = true;
    try {
      return await change();
    } finally {
      this.#isRenewing = false;
      if (this.#account) this.#notify("signed in");
    }
  }

  /** Calls the listener on every change. */
  onChange(listener: (change: SessionChange) => void): void {
    this.#listeners.add(listener);
  }

  /** @param loadSession called to find out who is signed in when another tab has signed in */
  followOtherTabs(loadSession: () => Promise<void>): void {
    const load = () =>
      loadSession().catch(() => {
        // The new account is unknown, and the tab must not continue as the former one.
        if (this.#account && this.stored !== this.#account.id) this.#change(null, "signed out");
      });
    window.addEventListener("storage", ({ key, newValue }) => {
      if (key !== storageKey && key !== null) return;
      if (newValue === null || newValue === ended.leaving) {
        if (this.#account) this.#change(null, "signed out");
      } else if (newValue === ended.expired) {
        if (this.#account) this.#change(null, "expired");
      } else if (newValue !== this.#account?.id) void load();
    });
    // A page restored from the back/forward cache has missed the changes made in other tabs.
    window.addEventListener("pageshow", ({ persisted }) => persisted && void load());
  }

  #change(account: Account | null, change: SessionChange): void {
    this.#account = account;
    this.#generation++;
    this.#notify(change);
  }

  #notify(change: SessionChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

export const session = new Session();
