import type { Mailer } from "./mailer.ts";

/** Creates a mailer for a service without a mail server. It prints every mail, so that its token can be used. */
export const createConsoleMailer = (print: (text: string) => void): Mailer => ({
  send: ({ to, subject, text }) =>
    print(`\nMail to ${to}: ${subject}\n\n${text.replace(/^(?=.)/gm, "  ")}\n`),
  close: async () => {},
});
