import { isIPv4 } from "node:net";
import { domainToASCII } from "node:url";

/** The sender of mails. */
export interface Sender {
  /** The display name; may be empty. */
  readonly name: string;
  readonly address: string;
}

/** Describes what {@link parseSender} accepts, for the error of the setting. */
export const senderExpected = "an address, or a name and an address: Photos <photos@example.com>";

/** `name <address>` with an optionally quoted name, or an address alone (RFC 5322, 3.4). */
const mailbox = /^(?:(?:"((?:[^"\\]|\\.)*)"|([^"<>]*?))\s*<([^<>]*)>|([^"<>]*))$/u;

/** An unquoted local part with a domain or an address literal. The domain needs no dot, for hosts of a local network. */
const addressForm =
  /^[^\s@<>()[\]\\,;:"]{1,64}@(?:(?=.{1,253}$)[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*|\[[\da-f:.]+\])$/iu;

/** Parses the setting `MAIL_FROM`; returns undefined unless it is exactly one address. */
export function parseSender(text: string): Sender | undefined {
  if (/\p{Cc}/u.test(text)) return undefined;
  const [, quotedName, plainName = "", bracketedAddress, bareAddress = ""] = mailbox.exec(text.trim()) ?? [];
  const address = bracketedAddress ?? bareAddress;
  if (!addressForm.test(address)) return undefined;
  return { name: quotedName?.replace(/\\(.)/g, "$1") ?? plainName.trim(), address };
}

/** Returns the sender to use when `MAIL_FROM` is not set. */
export const defaultSender = (publicUrl: string | undefined, siteName: string): Sender => ({
  name: siteName,
  address: `noreply@${publicUrl === undefined ? "localhost" : mailHost(publicUrl)}`,
});

/** Returns the host of a URL in the form of mail addresses, with an IP address as a literal (RFC 5321, 4.1.3). */
export function mailHost(url: string): string {
  const { hostname } = new URL(url);
  if (isIPv4(hostname)) return `[${hostname}]`;
  return hostname.replace(/^\[/, "[IPv6:");
}

/** Returns the domain of a sender's address in ASCII, for the EHLO command. */
export const domainOf = ({ address }: Sender): string => {
  const domain = address.slice(address.lastIndexOf("@") + 1);
  return domain.startsWith("[") ? domain : domainToASCII(domain);
};
