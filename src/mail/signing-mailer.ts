import type { Mailer } from "./mailer.ts";
import { signed } from "./messages.ts";

/** Returns a mailer that adds the site's name to the end of every mail. */
export const createSigningMailer = (mailer: Mailer, siteName: string): Mailer => ({
  send: (message) => mailer.send(signed(message, siteName)),
  close: () => mailer.close(),
});
