import { api } from "./api.ts";
import { attempt } from "./attempt.ts";
import { button, element } from "./element.ts";
import { Failure } from "./failures.ts";
import { session } from "./session.ts";
import { settings } from "./settings.ts";
import { text } from "./texts/text.ts";

/** Views from which a sign-in leads to the feed. */
const entrances = /^#\/(sign-in|register)\b/;

/**
 * Creates the button that signs in with the provider, which leads away from the page and back to this view.
 * @param invitation the token with which a new account may be made
 * @returns false where there is no provider
 */
export const providerButton = (invitation?: string): HTMLElement | false =>
  settings.provider !== null &&
  button(
    settings.provider.name ?? text("providerSignIn"),
    () => attempt(() => signInAtProvider(invitation)),
    {
      className: settings.passwordLogin ? "provider" : "provider primary",
    },
  );

async function signInAtProvider(invitation: string | undefined): Promise<void> {
  // The former session must not end the new one after the return.
  if (session.isLeaving) {
    await api.logout().catch(() => {});
    session.forget();
  }
  const { hash } = location;
  const return_to = entrances.test(hash) ? null : hash;
  location.assign((await api.beginProviderSignIn({ return_to, invitation })).authorization_url);
}

/** Explains a code that the service added to the address of the page after a failed round trip to the provider. */
export const explainCode = (code: string): string => new Failure(statusOf[code] ?? 400, code).message;

/** The statuses of codes that the API sends as sentences. */
const statusOf: Readonly<Record<string, number>> = {
  UNAUTHORIZED: 401,
  TOO_MANY_REQUESTS: 429,
  OVERLOADED: 503,
  UNAVAILABLE: 503,
};

export const errorParagraph = (message: string): HTMLElement =>
  element("p", { className: "error", textContent: message, attributes: { role: "alert" } });
