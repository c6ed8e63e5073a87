/** One mail to one reader, the same in plain text and HTML. */
export interface MailMessage {
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** Takes mails off a request's hands. */
export interface Mailer {
  /** Returns at once and never throws; a mail that cannot be delivered is told to the log only. */
  send(message: MailMessage): void;
  /** Delivers what is waiting, within a limit of time; what is left then is lost, and logged. */
  close(): Promise<void>;
}
