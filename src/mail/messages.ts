import type { MailMessage } from "./mailer.ts";

/** Whom a token is mailed to, and where the web page that takes it is found. */
export interface TokenMail {
  to: string;
  token: string;
  /** Address of the service, without a slash at the end. */
  baseUrl: string;
}

/** The mail that proves an address: a link to the web page, and the token itself for other clients. */
export const verifyMessage = (mail: TokenMail): MailMessage =>
  tokenMessage(mail, {
    subject: "Confirm your email address",
    page: "verify",
    why: (host) =>
      `Please confirm that this email address belongs to your account at ${host}; the link works for one hour.`,
    ignore: "If you did not ask for this, you can ignore this email.",
  });

/** The mail that sets a new password. */
export const resetMessage = (mail: TokenMail): MailMessage =>
  tokenMessage(mail, {
    subject: "Set a new password",
    page: "reset",
    why: (host) =>
      `Someone asked for a new password for your account at ${host}; the link works for one hour.`,
    ignore: "If that was not you, you can ignore this email: your password stays as it is.",
  });

interface Wording {
  /** Also the text of the link. */
  subject: string;
  /** Of the web page. */
  page: string;
  why: (host: string) => string;
  ignore: string;
}

function tokenMessage(
  { to, token, baseUrl }: TokenMail,
  { subject, page, why, ignore }: Wording,
): MailMessage {
  // In the fragment, the token reaches neither server logs nor other sites' Referer headers.
  const link = `${baseUrl}/#/${page}?token=${encodeURIComponent(token)}`;
  const reason = why(new URL(baseUrl).host);
  return {
    to,
    subject,
    text: `${reason}\n\n${subject}:\n${link}\n\n${ignore}\n\nFor developers\n\nThe token by itself:\n${token}\n`,
    html: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${subject}</title></head>
<body style="margin:24px;font:16px/1.5 sans-serif">
<p>${reason}</p>
<p><a href="${Bun.escapeHTML(link)}" style="${buttonStyle}">${subject}</a></p>
<p>${ignore}</p>
</body>
</html>
`,
  };
}

/** Mail programs ignore style sheets, but not styles of an element. */
const buttonStyle =
  "display:inline-block;padding:12px 20px;border-radius:6px;background:#1f5fbf;color:#ffffff;font-weight:bold;text-decoration:none";
