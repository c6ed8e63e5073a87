/** A mail to one recipient, with the same content in plain text and HTML. */
export interface MailMessage {
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** Sends mails in the background. */
export interface Mailer {
  /** Queues a mail. Returns at once and never throws; a failed delivery is only logged. */
  send(message: MailMessage): void;
  /** Delivers queued mails within a time limit. Mails left after that are lost and logged. */
  close(): Promise<void>;
}
