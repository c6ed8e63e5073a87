export interface MailMessage {
  to: string;
  subject: string;
  text: string;
  html: string;
}
export interface Mailer {
  send(message: MailMessage): void;
  close(): Promise<void>;
}
