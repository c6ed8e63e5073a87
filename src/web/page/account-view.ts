import { api } from "./api.ts";
import { cardView } from "./card.ts";
import { button, element } from "./element.ts";
import { commonFields, createForm } from "./form.ts";
import { notify } from "./notice.ts";
import type { View } from "./router.ts";
import { session, type Account } from "./session.ts";
import { changePassword } from "./sign-in.ts";
import { text } from "./texts/text.ts";

/** The signed-in account: its name, address and password. */
export function accountView(): View {
  const account = session.account!;
  const verified = element("div", { className: "row" }, ...verification(account));
  const currentPassword = commonFields.password(text("currentPassword"), "current_password");
  return cardView(
    text("yourAccount"),
    element(
      "div",
      { className: "stack" },
      verified,
      createForm({
        button: text("changeName"),
        fields: [commonFields.name(account.name ?? "")],
        async submit({ name = "" }) {
          session.update(await api.change({ name: name.trim() || null }));
          return text("nameUpdated");
        },
      }),
      createForm({
        button: text("changeEmail"),
        fields: [commonFields.email(account.email), currentPassword],
        async submit({ email = "", current_password = "" }) {
          const changed = await api.change({ email, current_password });
          session.update(changed);
          verified.replaceChildren(...verification(changed));
          return text("emailUpdated");
        },
      }),
      createForm({
        button: text("changePassword"),
        fields: [currentPassword, commonFields.newPassword(text("newPassword"))],
        submit: async ({ password = "", current_password = "" }) =>
          text((await changePassword({ password, current_password })) ? "passwordUpdated" : "resetDone"),
      }),
    ),
  );
}

/** Shows whether the address is verified, with a button to request the verification email where it is not. */
function verification({ is_verified, email }: Account): Node[] {
  if (is_verified) return [element("span", { className: "hint", textContent: text("emailVerified") })];
  return [
    element("span", { textContent: text("emailUnverified") }),
    button(text("sendVerification"), () =>
      api.requestVerify(email).then(
        () => notify(text("verificationSent")),
        (failure: Error) => notify(failure.message),
      ),
    ),
  ];
}
