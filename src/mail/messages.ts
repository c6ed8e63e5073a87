import type { MailMessage } from "./mailer.ts";
type Input = { to: string; token: string; publicUrl: string };
export const verifyMessage = ({ to, token }: Input): MailMessage => ({
  to,
  subject: "Verify",
  text: token,
  html: token,
});
export const resetMessage = ({ to, token }: Input): MailMessage => ({
  to,
  subject: "Reset",
  text: token,
  html: token,
});
