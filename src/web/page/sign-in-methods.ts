import { api, type Identity, type SignInMethods } from "./api.ts";
import { attempt } from "./attempt.ts";
import { askToConfirm } from "./confirm-dialog.ts";
import { button, element } from "./element.ts";
import { Failure } from "./failures.ts";
import { commonFields } from "./fields.ts";
import { formDialog } from "./form-dialog.ts";
import { namedRow } from "./named-row.ts";
import { pagedList } from "./paged-list.ts";
import { errorParagraph, explainCode } from "./provider-sign-in.ts";
import { focusSection, section } from "./section.ts";
import { signOutEverywhere } from "./sign-in.ts";
import { text } from "./texts/text.ts";
import { ago, fullDate } from "./times.ts";

/**
 * The identities that are linked to the account, each with a button that unlinks it.
 * @param loaded what the service said when the view was opened
 * @param error the code of a linking that failed
 */
export function signInMethodsSection(loaded: Promise<SignInMethods>, error: string | null): HTMLElement {
  let first: Promise<SignInMethods> | undefined = loaded;
  const signOut = button("", () => attempt(signOutEverywhere), { hidden: true });
  const list = pagedList<Identity>({
    emptyText: text("noIdentities"),
    async load() {
      const { identities } = await (first ?? api.signInMethods());
      first = undefined;
      const [identity] = identities;
      signOut.hidden = !identity;
      if (identity) signOut.textContent = text("signOutProvider", { host: hostOf(identity) });
      return { items: identities, next_cursor: null };
    },
    row: identityRow,
  });
  const part = section(
    "sign-in-methods",
    text("signInMethods"),
    element("p", { className: "hint", textContent: text("signInMethodsText") }),
    error !== null && errorParagraph(explainLinkError(error)),
    list.content,
    element(
      "div",
      { className: "row" },
      button(text("linkIdentity"), () => attempt(() => link(loaded))),
      signOut,
    ),
  );

  function identityRow(identity: Identity, gone: () => void): HTMLLIElement {
    const name = identity.email ?? hostOf(identity);
    const lastUsed = new Date(identity.last_used_at);
    const unlink = () =>
      attempt(async () => {
        if (!(await askToConfirm(text("unlinkQuestion", { name }), text("unlink")))) return;
        await api.unlink(identity.id);
        gone();
        focusSection(part);
        return text("unlinked");
      });
    return namedRow(
      name,
      element("small", {
        title: fullDate(lastUsed),
        textContent: `${hostOf(identity)} · ${text("lastUsed", { time: ago(lastUsed) })}`,
      }),
      button(text("unlink"), unlink, { attributes: { "aria-label": text("unlinkOf", { name }) } }),
    );
  }
  return part;
}

const hostOf = ({ issuer }: Identity) => new URL(issuer).host;

const explainLinkError = (code: string) =>
  code === "OAUTH_USER_ALREADY_EXISTS" ? text("identityTaken") : explainCode(code);

/** Leads to the provider to link an identity there. Asks for the password unless the user has just signed in. */
async function link(methods: Promise<SignInMethods>): Promise<void> {
  const open = async (password?: string) =>
    location.assign((await api.beginLink(password)).authorization_url);
  try {
    await open();
  } catch (failure) {
    if (!(failure instanceof Failure && failure.is("CURRENT_PASSWORD_REQUIRED"))) throw failure;
    if (!(await methods).has_password) throw new Error(text("signInAgain"));
    await formDialog(
      text("linkIdentity"),
      {
        button: text("linkIdentity"),
        fields: [commonFields.password(text("currentPassword"))],
        submit: ({ password = "" }) => open(password),
      },
      text("linkIdentityText"),
    );
  }
}
