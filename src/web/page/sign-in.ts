import { api, call, type AccountChanges } from "./api.ts";
import { Failure } from "./failures.ts";
import { session } from "./session.ts";
import { text } from "./texts/text.ts";

/** Where earlier versions of the page kept an access token, readable by scripts. */
const formerTokenKey = "image-sharing-token";

/**
 * Begins the session that the cookie belongs to, if any.
 * @throws Failure when the service cannot be asked
 */
export async function loadSession(): Promise<void> {
  void endFormerToken();
  if (session.isLeaving) return finishSignOut();
  const { wasSignedIn } = session;
  try {
    session.begin(await api.me());
  } catch (failure) {
    const { status } = failure as Failure;
    if (status !== 401 && status !== 403) throw failure;
    if (status === 401 && wasSignedIn) session.reportExpired();
    else session.forget();
  }
}

/** Removes and revokes a token that an earlier version of the page stored. */
async function endFormerToken(): Promise<void> {
  const token = localStorage.getItem(formerTokenKey);
  if (token === null) return;
  localStorage.removeItem(formerTokenKey);
  // An expired token needs no revocation.
  if (token)
    await call("POST", "/auth/jwt/logout", undefined, { authorization: `Bearer ${token}` }).catch(() => {});
}

/** Signs in. @throws Failure with a message for the user */
export async function signIn(email: string, password: string): Promise<void> {
  await api.login(email, password);
  try {
    session.begin(await api.me());
  } catch (failure) {
    if (failure instanceof Failure && failure.status === 401) throw new Error(text("cookieBlocked"));
    throw failure;
  }
}

/**
 * Signs out. The page forgets the account at once; if the service cannot be reached, the next visit ends the session
 * before anything is shown.
 */
export function signOut(): void {
  session.leave();
  void finishSignOut();
}

/** Signs out here, and leads to the provider's page for signing out there, if it has one. */
export async function signOutEverywhere(): Promise<void> {
  const { logout_url } = await api.providerLogout();
  session.leave();
  await finishSignOut();
  if (logout_url !== null) location.assign(logout_url);
}

async function finishSignOut(): Promise<void> {
  try {
    await api.logout();
  } catch (failure) {
    if ((failure as Failure).status !== 401) return;
  }
  // A user may have signed in since.
  if (session.isLeaving) session.forget();
}

/**
 * Changes the password, which ends every session of the account, and signs in with the new one.
 * @returns whether the user is still signed in
 * @throws Failure when the password stays as it is
 */
export async function changePassword(
  changes: Required<Pick<AccountChanges, "password" | "current_password">>,
): Promise<boolean> {
  return session.renew(async () => {
    // Sign in with the current address, which may have changed since the view was loaded.
    const { email } = await api.change(changes).catch((failure: Failure) => {
      if (failure.status === 401) session.reportExpired();
      throw failure;
    });
    try {
      await signIn(email, changes.password);
      return true;
    } catch {
      session.reportExpired();
      return false;
    }
  });
}
