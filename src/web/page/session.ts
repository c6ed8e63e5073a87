const key = "image-sharing-token";

/** Kept over reloads; the page's policy lets no foreign script near it. */
export const token = (): string | null => localStorage.getItem(key);

const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());

export function signIn(accessToken: string): void {
  localStorage.setItem(key, accessToken);
  tell();
}

export function signOut(): void {
  localStorage.removeItem(key);
  tell();
}

/** Calls back when somebody signed in or out, in another tab too. */
export function onSession(listener: () => void): void {
  listeners.add(listener);
}

window.addEventListener("storage", ({ key: changed }) => {
  if (changed === key || changed === null) tell();
});
