const key = "image-sharing-token";

/** How the session changed: the user signed in or out, or the service refused the token. */
export type SessionChange = "signed in" | "signed out" | "expired";

/** The access token, which survives reloads. The page's content security policy allows no foreign scripts. */
export const token = (): string | null => localStorage.getItem(key) || null;

/** The id of the signed-in account, from the token's subject (RFC 7519, 4.1.2); an unreadable token itself. */
export function account(): string | null {
  const used = token();
  if (used === null) return null;
  try {
    const claims = atob((used.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/"));
    return (JSON.parse(claims) as { sub?: string }).sub ?? used;
  } catch {
    return used;
  }
}

const listeners = new Set<(change: SessionChange) => void>();
const notifyListeners = (change: SessionChange) => listeners.forEach((listener) => listener(change));

export function signIn(accessToken: string): void {
  localStorage.setItem(key, accessToken);
  notifyListeners("signed in");
}

/** Ends the session at the user's request. */
export function signOut(): void {
  localStorage.removeItem(key);
  notifyListeners("signed out");
}

/** Ends the session because the service rejected its token. Does nothing if that token is no longer the current one. */
export function expireSession(rejected: string | null): void {
  if (rejected === null || rejected !== token()) return;
  // An empty value rather than none, so that other tabs can distinguish an expired session from a sign-out.
  localStorage.setItem(key, "");
  notifyListeners("expired");
}

/** Calls the listener on every change, including those made in other tabs. */
export function onSession(listener: (change: SessionChange) => void): void {
  listeners.add(listener);
}

const changeTo = (stored: string | null): SessionChange =>
  stored === null ? "signed out" : stored === "" ? "expired" : "signed in";

window.addEventListener("storage", ({ key: changed, newValue }) => {
  if (changed === key || changed === null) notifyListeners(changeTo(newValue));
});
// A page restored from the back/forward cache has missed the changes made in other tabs.
window.addEventListener("pageshow", ({ persisted }) => {
  if (persisted) notifyListeners(changeTo(localStorage.getItem(key)));
});
