import { api } from "./api.ts";
import { button, element, link } from "./element.ts";
import { commonFields } from "./fields.ts";
import { formDialog } from "./form-dialog.ts";
import { notify } from "./notice.ts";
import { orSignInAgain } from "./recent-sign-in.ts";
import { section } from "./section.ts";
import { serviceUrl } from "./service-url.ts";
import { session } from "./session.ts";
import { fileSize } from "./sizes.ts";
import { text } from "./texts/text.ts";

/** Fraction of the quota above which the bar warns. */
const nearlyFull = 0.9;

/** The space that the account's posts take up, with a bar where there is a quota. */
export function storageSection(): HTMLElement {
  const status = element("p", { textContent: text("loading") });
  const part = section("storage", text("storage"), status);
  api.meWithUsage().then(
    ({ usage }) => {
      if (!usage) return;
      const { posts, bytes, quota } = usage;
      const size = fileSize(bytes);
      const space =
        quota === null ? text("spaceUsed", { size }) : text("spaceOf", { size, quota: fileSize(quota) });
      status.textContent = `${text("postCount", { count: posts })} · ${space}`;
      if (quota === null) return;
      const filled = element("span", {});
      filled.style.width = `${Math.min(100, (100 * bytes) / quota)}%`;
      // A <meter> looks different in every browser.
      const bar = element(
        "div",
        {
          className: "meter",
          attributes: {
            role: "meter",
            "aria-labelledby": "storage-title",
            "aria-valuemin": "0",
            "aria-valuemax": String(quota),
            "aria-valuenow": String(Math.min(bytes, quota)),
            "aria-valuetext": space,
          },
        },
        filled,
      );
      bar.classList.toggle("full", bytes > nearlyFull * quota);
      part.append(bar);
    },
    (failure: Error) => (status.textContent = failure.message),
  );
  return part;
}

/** The link that downloads everything of the account. */
export function exportSection(): HTMLElement {
  const download = link(serviceUrl("/users/me/export"), text("downloadData"));
  download.download = "";
  download.className = "button";
  return section(
    "data",
    text("yourData"),
    element("p", { className: "hint", textContent: text("downloadDataText") }),
    download,
  );
}

/**
 * The button that deletes the account.
 * @param hasPassword whether the account has a password, which the deletion then takes
 */
export const deletionSection = (hasPassword: Promise<boolean>): HTMLElement =>
  section(
    "deletion",
    text("deleteAccount"),
    element("p", { className: "hint", textContent: text("deleteAccountText") }),
    button(text("deleteAccount"), async () => deleteAccount(await hasPassword), { className: "danger" }),
  );

async function deleteAccount(hasPassword: boolean): Promise<void> {
  const isDeleted = await formDialog(
    text("deleteAccount"),
    {
      button: text("deleteAccount"),
      isDangerous: true,
      fields: hasPassword ? [commonFields.password(text("currentPassword"))] : [],
      submit: ({ password }) => orSignInAgain(hasPassword, api.deleteAccount(password)),
    },
    text("deleteAccountConfirm"),
  );
  if (!isDeleted) return;
  session.forget();
  notify(text("accountDeleted"));
}
