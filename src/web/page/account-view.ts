import { deletionSection, exportSection, storageSection } from "./account-data.ts";
import { api } from "./api.ts";
import { attempt } from "./attempt.ts";
import { devicesSection } from "./devices.ts";
import { button, element } from "./element.ts";
import { commonFields } from "./fields.ts";
import { createForm } from "./form.ts";
import { invitationsSection } from "./invitations.ts";
import { section } from "./section.ts";
import { session, type Account } from "./session.ts";
import { settings } from "./settings.ts";
import { changePassword } from "./sign-in.ts";
import { text } from "./texts/text.ts";
import type { View } from "./views.ts";

/** The settings of the signed-in account. */
export function accountView(): View {
  const account = session.account!;
  return {
    title: text("yourAccount"),
    content: element(
      "div",
      { className: "account" },
      element("h1", { textContent: text("yourAccount") }),
      element(
        "div",
        { className: "settings" },
        nameSection(account),
        emailSection(account),
        passwordSection(),
        devicesSection(),
        storageSection(),
        exportSection(),
        account.is_superuser && invitationsSection("invitations"),
        deletionSection(),
      ),
    ),
  };
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

function emailSection(account: Account): HTMLElement {
  const verified = element("div", { className: "row" }, ...verification(account));
  return section(
    "email",
    text("emailAddress"),
    verified,
    createForm({
      button: text("changeEmail"),
      fields: [{ ...commonFields.email(account.email), hint: text("changeEmailHint") }, currentPassword()],
      async submit({ email = "", current_password = "" }) {
        const changed = await api.change({ email, current_password });
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

const passwordSection = (): HTMLElement =>
  section(
    "password",
    text("password"),
    createForm({
      button: text("changePassword"),
      fields: [currentPassword(), commonFields.newPassword(text("newPassword"))],
      submit: async ({ password = "", current_password = "" }) =>
        text((await changePassword({ password, current_password })) ? "passwordUpdated" : "resetDone"),
    }),
  );

const currentPassword = () => commonFields.password(text("currentPassword"), "current_password");

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
