import { api } from "./api.ts";
import { element, notify } from "./element.ts";
import { Failure } from "./failures.ts";
import { signIn, signOut } from "./session.ts";

type Field = {
  name: string;
  label: string;
  type: string;
  autocomplete: AutoFill;
  value?: string;
  hint?: string;
};

const email: Field = { name: "email", label: "E-mail address", type: "email", autocomplete: "email" };
const password: Field = {
  name: "password",
  label: "Password",
  type: "password",
  autocomplete: "current-password",
};
const newPassword: Field = { ...password, autocomplete: "new-password", hint: "At least 8 characters." };

/** A form that tells its errors beside its button and never loses what was typed. */
function form(
  button: string,
  fields: Field[],
  submit: (values: Record<string, string>) => Promise<string | void>,
): HTMLFormElement {
  const error = element("p", { className: "error", attributes: { role: "alert" } });
  const send = element("button", { className: "primary", type: "submit", textContent: button });
  const made = element(
    "form",
    { className: "stack" },
    ...fields.map(({ name, label, type, autocomplete, value = "", hint }) =>
      element(
        "label",
        { className: "field" },
        label,
        element("input", { name, type, autocomplete, value, required: true }),
        hint && element("small", { textContent: hint }),
      ),
    ),
    error,
    send,
  );
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.textContent = "";
    send.disabled = true;
    try {
      const values = Object.fromEntries(
        [...new FormData(made)].map(([name, value]) => [name, String(value)]),
      );
      const said = await submit(values);
      if (said) notify(said);
    } catch (failure) {
      error.textContent = (failure as Error).message;
    } finally {
      send.disabled = false;
    }
  });
  return made;
}

function card(title: string, ...content: (Node | string | false)[]): HTMLElement {
  return element("section", { className: "card" }, element("h1", { textContent: title }), ...content);
}

const link = (href: string, text: string) => element("a", { href, textContent: text });

async function enter(address: string, secret: string): Promise<void> {
  try {
    signIn((await api.login(address, secret)).access_token);
    location.hash = "#/";
  } catch (failure) {
    if (failure instanceof Failure && failure.code === "LOGIN_USER_NOT_VERIFIED")
      await api.requestVerify(address);
    throw failure;
  }
}

export const signInView = () =>
  card(
    "Sign in",
    form("Sign in", [email, password], ({ email = "", password = "" }) => enter(email, password)),
    element(
      "p",
      { className: "links" },
      link("#/sign-up", "Make an account"),
      link("#/forgot", "Forgot your password?"),
    ),
  );

export const signUpView = () =>
  card(
    "Make an account",
    element("p", {
      textContent: "Share photos and videos with the people you know. Places and camera data are taken out.",
    }),
    form("Sign up", [email, newPassword], async ({ email = "", password = "" }) => {
      await api.register(email, password);
      await enter(email, password);
    }),
    element("p", { className: "links" }, link("#/sign-in", "I have an account")),
  );

export const forgotView = () =>
  card(
    "Forgot your password?",
    form("Send me a link", [email], async ({ email = "" }) => {
      await api.forgotPassword(email);
      return "If there is an account with this address, a mail with a link is on its way.";
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
      return "Your password is changed. Sign in with the new one.";
    }),
    element("p", { className: "links" }, link("#/forgot", "Ask for a new link")),
  );

export function verifyView(token: string): HTMLElement {
  const status = element("p", { textContent: "Verifying your address…", attributes: { role: "status" } });
  api.verify(token).then(
    ({ email }) => (status.textContent = `${email} is verified. Thank you!`),
    (failure: Error) => (status.textContent = failure.message),
  );
  return card(
    "Verify your address",
    status,
    element("p", { className: "links" }, link("#/", "To the photos")),
  );
}

export function accountView(): HTMLElement {
  const content = element("div", { className: "stack" }, element("p", { textContent: "Loading…" }));
  api.me().then(
    (me) => {
      const resend = element("button", { type: "button", textContent: "Send me a verification mail" });
      resend.addEventListener("click", async () => {
        await api.requestVerify(me.email).then(
          () => notify("A mail with a link is on its way."),
          (failure: Error) => notify(failure.message),
        );
      });
      const leave = element("button", { type: "button", textContent: "Sign out" });
      leave.addEventListener("click", async () => {
        await api.logout().catch(() => {});
        signOut();
      });
      content.replaceChildren(
        me.is_verified
          ? element("p", { className: "hint", textContent: "Your address is verified." })
          : element(
              "div",
              { className: "row" },
              element("span", { textContent: "Your address is not verified." }),
              resend,
            ),
        form("Change address", [{ ...email, value: me.email }], async ({ email = "" }) => {
          await api.change({ email });
          return "Your address is changed.";
        }),
        form("Change password", [{ ...newPassword, label: "New password" }], async ({ password = "" }) => {
          await api.change({ password });
          await enter(me.email, password);
          return "Your password is changed; other devices are signed out.";
        }),
        leave,
      );
    },
    (failure: Error) =>
      content.replaceChildren(element("p", { className: "error", textContent: failure.message })),
  );
  return card("Your account", content);
}
