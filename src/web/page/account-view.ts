import { deletionSection, exportSection, storageSection } from "./account-data.ts";
import { api } from "./api.ts";
import { attempt } from "./attempt.ts";
import { devicesSection } from "./devices.ts";
import { button, element } from "./element.ts";
import { commonFields } from "./fields.ts";
import { createForm } from "./form.ts";
import { invitationsSection } from "./invitations.ts";
import { orSignInAgain } from "./recent-sign-in.ts";
import { focusSection, section } from "./section.ts";
import { session, type Account } from "./session.ts";
import { settings } from "./settings.ts";
import { changePassword } from "./sign-in.ts";
import { signInMethodsSection } from "./sign-in-methods.ts";
import { text } from "./texts/text.ts";
import type { View, ViewContext } from "./views.ts";

/** The settings of the signed-in account. @param parameters `error`: why an identity was not linked */
export function accountView({ parameters }: Pick<ViewContext, "parameters">): View {
  const account = session.account!;
  const methods = settings.provider ? api.signInMethods() : undefined;
  // If the service does not tell, the forms ask for the password.
  const hasPassword = Promise.resolve(
    methods?.then(({ has_password }) => has_password).catch(() => true) ?? true,
  );
  const content = element(
    "div",
    { className: "account" },
    element("h1", { textContent: text("yourAccount") }),
    element(
      "div",
      { className: "settings" },
      // Sections that load later are below or beside the forms, so that they never move them.
      element(
        "div",
        {},
        nameSection(account),
        emailSection(account, hasPassword),
        settings.passwordLogin && passwordSection(hasPassword, showAgain),
        methods && signInMethodsSection(methods, parameters.get("error")),
      ),
      element(
        "div",
        {},
        devicesSection(),
        storageSection(),
        exportSection(),
        account.is_superuser && invitationsSection("invitations"),
        deletionSection(hasPassword),
      ),
    ),
  );
  void hasPassword.then((has) => has || removeCurrentPassword(content));
  /** Shows the forms as they are for an account with a password. */
  function showAgain(): void {
    const next = accountView({ parameters: new URLSearchParams() }).content;
    content.replaceWith(next);
    focusSection(next.querySelector<HTMLElement>("#password")!);
  }
  return { title: text("yourAccount"), content };
}

const nameSection = (account: Account): HTMLElement =>
  section(
    "profile",
    text("profile"),
    createForm({
      button: text("changeName"),
      fields: [commonFields.name(account.name ?? "")],
      async submit({ name = "" }) {
        session.update(await api.change({ name: name.trim() || null }));
        return text("nameUpdated");
      },
    }),
  );

function emailSection(account: Account, hasPassword: Promise<boolean>): HTMLElement {
  const verified = element("div", { className: "row" }, ...verification(account));
  return section(
    "email",
    text("emailAddress"),
    verified,
    createForm({
      button: text("changeEmail"),
      fields: [{ ...commonFields.email(account.email), hint: text("changeEmailHint") }, currentPassword()],
      async submit({ email = "", current_password = "" }) {
        const changed = await orSignInAgain(await hasPassword, api.change({ email, current_password }));
        session.update(changed);
        verified.replaceChildren(...verification(changed));
        if (!settings.requireVerifiedEmail || changed.is_verified) return text("emailUpdated");
        // Until the new address is verified, the service refuses other requests.
        await api.requestVerify(changed.email).catch(() => {});
        return text("emailUpdatedVerify");
      },
    }),
  );
}

/** @param onFirstPassword called when an account without a password has got one */
const passwordSection = (hasPassword: Promise<boolean>, onFirstPassword: () => void): HTMLElement =>
  section(
    "password",
    text("password"),
    createForm({
      button: text("changePassword"),
      fields: [currentPassword(), commonFields.newPassword(text("newPassword"))],
      async submit({ password = "", current_password = "" }) {
        const hadPassword = await hasPassword;
        const isSignedIn = await orSignInAgain(hadPassword, changePassword({ password, current_password }));
        if (isSignedIn && !hadPassword) onFirstPassword();
        return text(isSignedIn ? "passwordUpdated" : "resetDone");
      },
    }),
  );

const currentPassword = () => commonFields.password(text("currentPassword"), "current_password");

/** Removes the fields for a password that the account does not have. */
function removeCurrentPassword(content: HTMLElement): void {
  for (const input of content.querySelectorAll("[name=current_password]")) input.closest(".field")?.remove();
  const save = content.querySelector("#password [type=submit]");
  if (save) save.textContent = text("setPassword");
}

/** Says whether the address is verified; if not, with a button that requests the verification email. */
function verification({ is_verified, email }: Account): Node[] {
  if (is_verified) return [element("span", { className: "hint", textContent: text("emailVerified") })];
  // Where verification is required, an email was sent when the address was entered.
  const label = text(settings.requireVerifiedEmail ? "sendEmailAgain" : "sendVerification");
  const send = button(label, () =>
    attempt(async () => {
      await api.requestVerify(email);
      send.textContent = text("sendEmailAgain");
      return text("verificationSent");
    }),
  );
  return [element("span", { textContent: text("emailUnverified") }), send];
}
