import { isIPv4 } from "node:net";
import { domainToASCII } from "node:url";

/** Who mails are from. */
export interface Sender {
  /** Shown beside the address; may be empty. */
  readonly name: string;
  readonly address: string;
}

export const senderExpected = "an address, or a name and an address: Photos <photos@example.com>";

/** `name <address>`, the name with or without quotes, or the address alone (RFC 5322, 3.4). */
const mailbox = /^(?:(?:"((?:[^"\\]|\\.)*)"|([^"<>]*?))\s*<([^<>]*)>|([^"<>]*))$/u;

/** A local part without quotes; a domain or an address literal. A host of the local network needs no dot. */
const addressForm =
  /^[^\s@<>()[\]\\,;:"]{1,64}@(?:(?=.{1,253}$)[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*|\[[\da-f:.]+\])$/iu;

/** Reads the setting `MAIL_FROM`; undefined where it is not exactly one address. */
export function parseSender(text: string): Sender | undefined {
  if (/\p{Cc}/u.test(text)) return undefined;
  const [, quoted, plain = "", inBrackets, alone = ""] = mailbox.exec(text.trim()) ?? [];
  const address = inBrackets ?? alone;
  if (!addressForm.test(address)) return undefined;
  return { name: quoted?.replace(/\\(.)/g, "$1") ?? plain.trim(), address };
}

/** The sender where `MAIL_FROM` is not set. */
export const defaultSender = (publicUrl: string | undefined): Sender => ({
  name: "Image Sharing",
  address: `noreply@${publicUrl === undefined ? "localhost" : mailHost(publicUrl)}`,
});

/** The host of an address of the web as mail servers know it: an IP address as a literal (RFC 5321, 4.1.3). */
export function mailHost(url: string): string {
  const { hostname } = new URL(url);
  if (isIPv4(hostname)) return `[${hostname}]`;
  return hostname.replace(/^\[/, "[IPv6:");
}

/** The domain of a sender's address, as a host introduces itself. */
export const domainOf = ({ address }: Sender): string => {
  const domain = address.slice(address.lastIndexOf("@") + 1);
  return domain.startsWith("[") ? domain : domainToASCII(domain);
};
