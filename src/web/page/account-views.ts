import { api, type Account } from "./api.ts";
import { element, notify } from "./element.ts";
import { Failure } from "./failures.ts";
import { signIn, signOut, token, expireSession } from "./session.ts";

type Field = {
  name: string;
  label: string;
  type: string;
  autocomplete: AutoFill;
  value?: string;
  hint?: string;
  optional?: boolean;
};

const displayName: Field = {
  name: "name",
  label: "Name",
  type: "text",
  autocomplete: "name",
  optional: true,
  hint: "Shown with your photos.",
};
const email: Field = { name: "email", label: "Email", type: "email", autocomplete: "email" };
const password: Field = {
  name: "password",
  label: "Password",
  type: "password",
  autocomplete: "current-password",
};
const newPassword: Field = {
  ...password,
  autocomplete: "new-password",
  hint: `At least ${document.body.dataset["passwordMinLength"]} characters.`,
};

/**
 * Creates a form that shows errors next to its button and keeps the input when submitting fails.
 * @param submit may return a message for the user
 */
function form(
  button: string,
  fields: Field[],
  submit: (values: Record<string, string>) => Promise<string | void>,
): HTMLFormElement {
  const error = element("p", { className: "error", attributes: { role: "alert" } });
  const send = element("button", { className: "primary", type: "submit", textContent: button });
  const created = element(
    "form",
    { className: "stack" },
    ...fields.map(({ name, label, type, autocomplete, value = "", hint, optional = false }) =>
      element(
        "label",
        { className: "field" },
        label,
        element("input", { name, type, autocomplete, value, required: !optional }),
        hint && element("small", { textContent: hint }),
      ),
    ),
    error,
    send,
  );
  created.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.textContent = "";
    send.disabled = true;
    try {
      const values = Object.fromEntries(
        [...new FormData(created)].map(([name, value]) => [name, String(value)]),
      );
      const message = await submit(values);
      for (const input of created.querySelectorAll<HTMLInputElement>("input[type=password]"))
        input.value = "";
      if (message) notify(message);
    } catch (failure) {
      error.textContent = (failure as Error).message;
    } finally {
      send.disabled = false;
    }
  });
  return created;
}

function card(title: string, ...content: (Node | string | false)[]): HTMLElement {
  return element("section", { className: "card" }, element("h1", { textContent: title }), ...content);
}

const link = (href: string, text: string) => element("a", { href, textContent: text });

/** Logs in and shows the feed. If the address is not verified, also requests a new verification email. */
async function logIn(address: string, secret: string): Promise<void> {
  try {
    signIn((await api.login(address, secret)).access_token);
    location.hash = "#/";
  } catch (failure) {
    if (failure instanceof Failure && failure.is("LOGIN_USER_NOT_VERIFIED"))
      await api.requestVerify(address).catch(() => {});
    throw failure;
  }
}

/**
 * Changes the password and signs in with it, because a password change revokes every token of the account.
 * @returns a message for the user
 */
async function changePassword(secret: string): Promise<string> {
  const old = token();
  // Sign in with the current address: it may have changed since this view was loaded.
  const { email } = await api.change({ password: secret });
  try {
    signIn((await api.login(email, secret)).access_token);
    return "Password updated. Other devices have been signed out.";
  } catch {
    expireSession(old);
    return "Password updated. Sign in with your new password.";
  }
}

export const signInView = () =>
  card(
    "Sign in",
    form("Sign in", [email, password], ({ email = "", password = "" }) => logIn(email, password)),
    element(
      "p",
      { className: "links" },
      link("#/sign-up", "Create an account"),
      link("#/forgot", "Forgot your password?"),
    ),
  );

/** @param invitation token of the link that led here, if any */
export const signUpView = (invitation?: string) =>
  card(
    "Create an account",
    element("p", {
      textContent:
        "Share photos and videos with the people you know. Location and camera details are removed.",
    }),
    form(
      "Create account",
      [displayName, email, newPassword],
      async ({ name = "", email = "", password = "" }) => {
        await api.register({ name: name.trim() || null, email, password, invitation });
        await logIn(email, password);
      },
    ),
    element(
      "p",
      { className: "links" },
      element("span", {}, "Already have an account? ", link("#/sign-in", "Sign in")),
    ),
  );

export const forgotView = () =>
  card(
    "Forgot your password?",
    form("Send me a link", [email], async ({ email = "" }) => {
      await api.forgotPassword(email);
      return "If there is an account with this email address, we've emailed you a link.";
    }),
    element("p", { className: "links" }, link("#/sign-in", "Back to sign in")),
  );

export const resetView = (token: string) =>
  card(
    "Choose a new password",
    form("Set password", [newPassword], async ({ password = "" }) => {
      await api.resetPassword(token, password);
      signOut();
      location.hash = "#/sign-in";
      return "Password updated. Sign in with your new password.";
    }),
    element("p", { className: "links" }, link("#/forgot", "Ask for a new link")),
  );

export function verifyView(token: string): HTMLElement {
  const status = element("p", {
    textContent: "Verifying your email address…",
    attributes: { role: "status" },
  });
  api.verify(token).then(
    ({ email }) => (status.textContent = `${email} is verified. Thank you!`),
    (failure: Error) => (status.textContent = failure.message),
  );
  return card(
    "Verify your email address",
    status,
    element("p", { className: "links" }, link("#/", "To the photos")),
  );
}

export function accountView(): HTMLElement {
  const signOutButton = element("button", { type: "button", textContent: "Sign out" });
  signOutButton.addEventListener("click", () => {
    void api.logout().catch(() => {});
    signOut();
  });
  const content = element(
    "div",
    { className: "stack" },
    element("p", { textContent: "Loading…" }),
    signOutButton,
  );
  api.me().then(
    (me) => {
      const verified = element("div", { className: "row" }, ...verification(me));
      content.replaceChildren(
        verified,
        form("Change name", [{ ...displayName, value: me.name ?? "" }], async ({ name = "" }) => {
          await api.change({ name: name.trim() || null });
          return "Name updated.";
        }),
        form("Change address", [{ ...email, value: me.email }], async ({ email = "" }) => {
          verified.replaceChildren(...verification(await api.change({ email })));
          return "Email address updated.";
        }),
        form("Change password", [{ ...newPassword, label: "New password" }], ({ password = "" }) =>
          changePassword(password),
        ),
        signOutButton,
      );
    },
    (failure: Error) =>
      content.replaceChildren(
        element("p", { className: "error", textContent: failure.message }),
        signOutButton,
      ),
  );
  return card("Your account", content);
}

/** Shows whether the address is verified, with a button to request the verification email where it is not. */
function verification({ is_verified, email }: Account): Node[] {
  if (is_verified)
    return [element("span", { className: "hint", textContent: "Your email address is verified." })];
  const resend = element("button", { type: "button", textContent: "Send verification email" });
  resend.addEventListener("click", () =>
    api.requestVerify(email).then(
      () => notify("We've emailed you a link."),
      (failure: Error) => notify(failure.message),
    ),
  );
  return [element("span", { textContent: "Your email address is not verified." }), resend];
}
