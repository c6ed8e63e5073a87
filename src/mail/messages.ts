import type { MailMessage } from "./mailer.ts";

/** The content of a mail with a token. */
export interface TokenMail {
  to: string;
  token: string;
  /** The lifetime of the token in words. */
  lifetime: string;
  /** The address of the service, without a trailing slash. */
  baseUrl: string;
}

/** Creates the mail that verifies an address: a link to the web page, and the token itself for other clients. */
export const verifyMessage = (mail: TokenMail): MailMessage =>
  tokenMessage(mail, {
    subject: "Confirm your email address",
    page: "verify",
    reason: (host) => `Please confirm that this email address belongs to your account at ${host}`,
    ignore: "If you did not ask for this, you can ignore this email.",
  });

/** Creates the mail for setting a new password. */
export const resetMessage = (mail: TokenMail): MailMessage =>
  tokenMessage(mail, {
    subject: "Set a new password",
    page: "reset",
    reason: (host) => `Someone asked for a new password for your account at ${host}`,
    ignore: "If that was not you, you can ignore this email: your password stays as it is.",
  });

/** Creates the mail that invites somebody to register. */
export const invitationMessage = (mail: TokenMail): MailMessage =>
  tokenMessage(mail, {
    subject: "Create your account",
    page: "register",
    parameter: "invitation",
    reason: (host) => `You are invited to create an account at ${host}`,
    ignore: "If you do not know who invited you, you can ignore this email.",
  });

/** Returns the link of an invitation. @param baseUrl see {@link TokenMail.baseUrl} */
export const invitationLink = (baseUrl: string, token: string): string =>
  linkTo(baseUrl, "register", "invitation", token);

interface Wording {
  /** Also the text of the link. */
  subject: string;
  /** The route of the web page. */
  page: string;
  /** The name of the token in the link. */
  parameter?: string;
  /** Says why the mail was sent: the start of a sentence. */
  reason: (host: string) => string;
  /** Says what to do if the reader did not ask for the mail. */
  ignore: string;
}

/** Browsers send a fragment neither to the server nor in a Referer header, so the token reaches no log. */
const linkTo = (baseUrl: string, page: string, parameter: string, token: string) =>
  `${baseUrl}/#/${page}?${parameter}=${encodeURIComponent(token)}`;

function tokenMessage(
  { to, token, lifetime, baseUrl }: TokenMail,
  { subject, page, parameter = "token", reason, ignore }: Wording,
): MailMessage {
  const link = linkTo(baseUrl, page, parameter, token);
  const why = `${reason(new URL(baseUrl).host)}; the link works for ${lifetime}.`;
  return {
    to,
    subject,
    text: `${why}\n\n${subject}:\n${link}\n\n${ignore}\n\nFor developers\n\nThe token by itself:\n${token}\n`,
    html: htmlPage(subject, [why, button(link, subject), ignore]),
  };
}

/** The content of a notice that an account has changed. */
export interface ChangeNotice {
  /** The address that the account had before the change. */
  to: string;
  changed: { email: boolean; password: boolean };
  /** The address of the service, without a trailing slash. */
  baseUrl: string;
}

/** Creates the notice of a new address or password. It does not name the new address. */
export function changeNotice({ to, changed, baseUrl }: ChangeNotice): MailMessage {
  const what =
    changed.email && changed.password
      ? "email address and password were"
      : changed.email
        ? "email address was"
        : "password was";
  const fact = `The ${what} changed for your account at ${new URL(baseUrl).host}.`;
  const ignore = "If you made this change, you need not do anything.";
  const link = `${baseUrl}/#/forgot`;
  const advice = changed.email
    ? "If you did not, somebody else may have taken over the account. Tell the people who run this site."
    : "If you did not, somebody else knows your password. Set a new one now:";
  return {
    to,
    subject: `Your ${what} changed`,
    text: `${fact}\n\n${ignore}\n\n${advice}\n${changed.email ? "" : `${link}\n`}`,
    html: htmlPage(`Your ${what} changed`, [
      fact,
      ignore,
      advice,
      ...(changed.email ? [] : [button(link, "Set a new password")]),
    ]),
  };
}

/** Creates the notice that an account at a provider was linked. @param provider the provider's host */
export function identityNotice({
  to,
  provider,
  baseUrl,
}: {
  to: string;
  provider: string;
  baseUrl: string;
}): MailMessage {
  const subject = "A new way to sign in to your account";
  const fact = `An account at ${provider} can now sign in to your account at ${new URL(baseUrl).host}.`;
  const ignore = "If you linked it, you need not do anything.";
  const advice =
    "If you did not, somebody else may have taken over the account. Unlink it in your account, and tell the people who run this site.";
  const link = `${baseUrl}/#/account`;
  return {
    to,
    subject,
    text: `${fact}\n\n${ignore}\n\n${advice}\n${link}\n`,
    html: htmlPage(subject, [
      ...[fact, ignore, advice].map((text) => Bun.escapeHTML(text)),
      button(link, "Open your account"),
    ]),
  };
}

/** Adds the site's name to the end of a mail: in plain text after the delimiter of RFC 3676, 4.3. */
export const signed = (message: MailMessage, siteName: string): MailMessage => ({
  ...message,
  text: `${message.text}\n-- \n${siteName}\n`,
  html: message.html.replace("</body>", () => `<p>${Bun.escapeHTML(siteName)}</p>\n</body>`),
});

const htmlPage = (title: string, paragraphs: readonly string[]) => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title></head>
<body style="margin:24px;font:16px/1.5 sans-serif">
${paragraphs.map((paragraph) => `<p>${paragraph}</p>`).join("\n")}
</body>
</html>
`;

const button = (link: string, text: string) =>
  `<a href="${Bun.escapeHTML(link)}" style="${buttonStyle}">${text}</a>`;

/** Inline, because mail clients ignore style sheets. */
const buttonStyle =
  "display:inline-block;padding:12px 20px;border-radius:6px;background:#1f5fbf;color:#ffffff;font-weight:bold;text-decoration:none";
