import type { MailMessage } from "./mailer.ts";

/** Whom a token is mailed to, and where the web page that takes it is found. */
export interface TokenMail {
  to: string;
  token: string;
  /** Address of the service, as in the setting `PUBLIC_URL`. */
  publicUrl: string;
}

/** The mail that proves an address: a link to the web page, and the token itself for other clients. */
export const verifyMessage = (mail: TokenMail): MailMessage =>
  tokenMessage(mail, {
    subject: "Confirm your e-mail address",
    page: "verify",
    request: "Open this link to confirm your e-mail address:",
    ignore: "If you did not ask for this, ignore this mail.",
  });

/** The mail that sets a new password. */
export const resetMessage = (mail: TokenMail): MailMessage =>
  tokenMessage(mail, {
    subject: "Set a new password",
    page: "reset",
    request: "Open this link to set a new password:",
    ignore: "If you did not ask for this, ignore this mail; your password stays as it is.",
  });

function tokenMessage(
  { to, token, publicUrl }: TokenMail,
  { subject, page, request, ignore }: { subject: string; page: string; request: string; ignore: string },
): MailMessage {
  // In the fragment, the token reaches neither server logs nor other sites' Referer headers.
  const link = `${publicUrl.replace(/\/$/, "")}/#/${page}?token=${encodeURIComponent(token)}`;
  const validity = "It works for one hour. Where a program asks for the token, give it this:";
  const [safeLink, safeToken] = [Bun.escapeHTML(link), Bun.escapeHTML(token)];
  return {
    to,
    subject,
    text: `${request}\n\n${link}\n\n${validity}\n\n${token}\n\n${ignore}\n`,
    html:
      `<!doctype html>\n<html lang="en">\n<body>\n<p>${request}</p>\n<p><a href="${safeLink}">${subject}</a></p>\n` +
      `<p>${validity}</p>\n<p><code>${safeToken}</code></p>\n<p>${ignore}</p>\n</body>\n</html>\n`,
  };
}
