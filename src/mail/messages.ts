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

interface Wording {
  /** Also the text of the link. */
  subject: string;
  /** The route of the web page. */
  page: string;
  /** Says why the mail was sent: the start of a sentence. */
  reason: (host: string) => string;
  /** Says what to do if the reader did not ask for the mail. */
  ignore: string;
}

function tokenMessage(
  { to, token, lifetime, baseUrl }: TokenMail,
  { subject, page, reason, ignore }: Wording,
): MailMessage {
  // Browsers send a fragment neither to the server nor in a Referer header, so the token reaches no log.
  const link = `${baseUrl}/#/${page}?token=${encodeURIComponent(token)}`;
  const why = `${reason(new URL(baseUrl).host)}; the link works for ${lifetime}.`;
  return {
    to,
    subject,
    text: `${why}\n\n${subject}:\n${link}\n\n${ignore}\n\nFor developers\n\nThe token by itself:\n${token}\n`,
    html: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${subject}</title></head>
<body style="margin:24px;font:16px/1.5 sans-serif">
<p>${why}</p>
<p><a href="${Bun.escapeHTML(link)}" style="${buttonStyle}">${subject}</a></p>
<p>${ignore}</p>
</body>
</html>
`,
  };
}

/** Inline, because mail clients ignore style sheets. */
const buttonStyle =
  "display:inline-block;padding:12px 20px;border-radius:6px;background:#1f5fbf;color:#ffffff;font-weight:bold;text-decoration:none";
