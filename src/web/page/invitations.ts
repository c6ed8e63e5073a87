import { invitationLimits } from "../../limits.ts";
import { api, type Invitation } from "./api.ts";
import { attempt } from "./attempt.ts";
import { copyLink } from "./copy-link.ts";
import { button, element } from "./element.ts";
import { formDialog } from "./form-dialog.ts";
import { namedRow } from "./named-row.ts";
import { notify } from "./notice.ts";
import { pagedList } from "./paged-list.ts";
import { section } from "./section.ts";
import { settings } from "./settings.ts";
import { text } from "./texts/text.ts";
import { fullDate } from "./times.ts";

/** The open invitations, for superusers. @param id of the section */
export function invitationsSection(id: string): HTMLElement {
  const list = pagedList<Invitation>({
    emptyText: text("noInvitations"),
    async load(cursor) {
      const { invitations, next_cursor } = await api.invitations(cursor);
      return { items: invitations, next_cursor };
    },
    row: invitationRow,
  });
  return section(
    id,
    text("invitations"),
    button(text("invite"), () => createInvitation(list.add), { className: "primary" }),
    list.content,
  );
}

const { defaultUses, maxUses, defaultDays, maxDays } = invitationLimits;

async function createInvitation(add: (invitation: Invitation) => void): Promise<void> {
  const number = (name: string, label: string, value: number, max: number) =>
    ({ name, label, type: "number", value: String(value), range: { min: "1", max: String(max) } }) as const;
  const created: { invitation?: Invitation } = {};
  await formDialog(text("invite"), {
    button: text("createInvitation"),
    fields: [
      {
        name: "email",
        label: text("inviteEmail"),
        type: "email",
        optional: true,
        hint: text(settings.sendsMail ? "inviteEmailHint" : "inviteEmailOnlyHint"),
      },
      number("uses", text("inviteUses"), defaultUses, maxUses),
      number("days", text("inviteDays"), defaultDays, maxDays),
    ],
    async submit({ email = "", uses, days }) {
      const invitation = await api.invite({
        email: email.trim() || null,
        uses: Number(uses),
        expires_in_days: Number(days),
      });
      created.invitation = invitation;
    },
  });
  const { invitation } = created;
  if (!invitation) return;
  add(invitation);
  if (invitation.email && settings.sendsMail) notify(text("invitationMailed", { email: invitation.email }));
  else await copyLink(invitation.url);
}

function invitationRow(invitation: Invitation, gone: () => void): HTMLLIElement {
  const { id, url, email, expires_at, uses_left } = invitation;
  const name = email ? text("invitationFor", { email }) : text("invitationForAnyone");
  const withdraw = () =>
    attempt(async () => {
      await api.withdraw(id);
      gone();
      return text("withdrawn");
    });
  return namedRow(
    name,
    element("small", {
      textContent: `${text("usesLeft", { count: uses_left })} · ${text("expiresAt", { time: fullDate(new Date(expires_at)) })}`,
    }),
    element(
      "div",
      { className: "row" },
      button(text("copyLink"), () => copyLink(url), {
        attributes: { "aria-label": text("copyLinkOf", { name }) },
      }),
      button(text("withdraw"), withdraw, { attributes: { "aria-label": text("withdrawOf", { name }) } }),
    ),
  );
}
