import { api } from "./api.ts";
import { cardView, links, paragraph } from "./card.ts";
import { button, element, link, moveFocusTo } from "./element.ts";
import { Failure } from "./failures.ts";
import { commonFields } from "./fields.ts";
import { createForm } from "./form.ts";
import { notify } from "./notice.ts";
import { errorParagraph, explainCode, providerButton } from "./provider-sign-in.ts";
import { session } from "./session.ts";
import { settings } from "./settings.ts";
import { signIn, signOut } from "./sign-in.ts";
import { text } from "./texts/text.ts";
import type { View, ViewContext } from "./views.ts";

/** Signs in. If the address is not verified, also requests a new verification email. */
async function signInOrVerify(email: string, password: string): Promise<void> {
  try {
    await signIn(email, password);
  } catch (failure) {
    if (failure instanceof Failure && failure.is("LOGIN_USER_NOT_VERIFIED"))
      await api.requestVerify(email).catch(() => {});
    throw failure;
  }
}

/** @param parameters `error`: why a sign-in with the provider failed */
export const signInView = ({ parameters }: Partial<Pick<ViewContext, "parameters">> = {}): View =>
  cardView(
    text("signIn"),
    signInError(parameters?.get("error")),
    settings.passwordLogin &&
      createForm({
        button: text("signIn"),
        fields: [commonFields.email(), commonFields.password()],
        submit: ({ email = "", password = "" }) => signInOrVerify(email, password),
      }),
    providerButton(),
    settings.passwordLogin &&
      links(
        settings.registration === "open" && link("#/register", text("createAccountLink")),
        link("#/forgot", text("forgotLink")),
      ),
  );

/** Says why a sign-in with the provider failed. */
const signInError = (code: string | null | undefined) =>
  code != null &&
  errorParagraph(code === "LOGIN_BAD_CREDENTIALS" ? text("accountDeactivated") : explainCode(code));

/** The form that creates an account, or the reason why there is none. */
export function registerView({ parameters }: ViewContext): View {
  const invitation = parameters.get("invitation") || undefined;
  const toSignIn = links(element("span", {}, `${text("haveAccount")} `, link("#/sign-in", text("signIn"))));
  if (!invitation && settings.registration === "invite")
    return cardView(text("invitationNeeded"), paragraph(text("invitationNeededText")), toSignIn);
  if (!invitation && settings.registration === "closed")
    return cardView(text("registrationClosed"), paragraph(text("registrationClosedText")), toSignIn);
  const view = cardView(
    text("createAccountLink"),
    paragraph(text("introduction")),
    settings.passwordLogin &&
      createForm({
        button: text("createAccount"),
        fields: [commonFields.name(), commonFields.email(), commonFields.newPassword()],
        async submit({ name = "", email = "", password = "" }) {
          await api.register({ name: name.trim() || null, email, password, invitation });
          if (!settings.requireVerifiedEmail) return signIn(email, password);
          await api.requestVerify(email);
          const inbox = checkInboxView(email).content;
          view.content.replaceWith(inbox);
          moveFocusTo(inbox.querySelector("h1")!);
        },
      }),
    providerButton(invitation),
    toSignIn,
  );
  return view;
}

/** Explains that the address must be verified before the first sign-in. */
const checkInboxView = (email: string): View =>
  cardView(
    text("checkInbox"),
    paragraph(text("checkInboxText", { email })),
    button(text("sendAgain"), () =>
      api.requestVerify(email).then(
        () => notify(text("verificationSent")),
        (failure: Error) => notify(failure.message),
      ),
    ),
    links(link("#/sign-in", text("backToSignIn"))),
  );

export const forgotView = (): View =>
  cardView(
    text("forgot"),
    paragraph(text("forgotText")),
    createForm({
      button: text("forgotSend"),
      fields: [commonFields.email()],
      async submit({ email = "" }) {
        await api.forgotPassword(email);
        return text("forgotSent");
      },
    }),
    links(link("#/sign-in", text("backToSignIn"))),
  );

export const resetView = ({ parameters }: ViewContext): View =>
  cardView(
    text("reset"),
    createForm({
      button: text("resetSave"),
      fields: [commonFields.newPassword(text("newPassword"))],
      async submit({ password = "" }) {
        await api.resetPassword(parameters.get("token") ?? "", password);
        if (session.account) signOut();
        location.hash = "#/sign-in";
        return text("resetDone");
      },
    }),
    links(link("#/forgot", text("resetAskAgain"))),
  );

export function verifyView({ parameters }: ViewContext): View {
  const status = element("p", { textContent: text("verifying"), attributes: { role: "status" } });
  api.verify(parameters.get("token") ?? "").then(
    (account) => {
      status.textContent = text("verified", { email: account.email });
      session.update(account);
    },
    (failure: Error) => (status.textContent = failure.message),
  );
  return cardView(text("verify"), status, links(link("#/", text("toPhotos"))));
}
