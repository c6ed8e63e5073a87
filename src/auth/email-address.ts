import { domainToASCII, domainToUnicode } from "node:url";

import { ValidationProblems } from "../errors.ts";

/** An e-mail address as it is kept and shown, and the form that no two accounts may share. */
export interface EmailAddress {
  address: string;
  uniqueKey: string;
}

/** RFC 5321, 4.5.3.1; the whole without the angle brackets. */
const longestLocalPart = 64;
const longestAddress = 254;

/** A dot-atom of RFC 5322 with the letters, digits, punctuation and symbols of RFC 6532; nothing invisible. */
const atom = String.raw`(?:[A-Za-z0-9_!#$%&'*+\-/=?^\x60{|}~]|(?![\0-\x7f])[\p{L}\p{N}\p{M}\p{P}\p{S}])+`;
const dotAtom = new RegExp(String.raw`^(?!\p{M})${atom}(?:\.${atom})*$`, "u");
/** What may stand in a domain before it is mapped by UTS 46: the ideographic full stops and the soft hyphen go. */
const domainText = /^(?!\p{M})[A-Za-z0-9.\-\p{L}\p{N}\p{M}。．｡\u00ad]+$/u;
const label = /^(?!-)(?!..--)[\p{L}\p{N}\p{M}-]{1,63}(?<!-)$/u;
const asciiLabel = /^[a-z0-9-]{1,63}$/;
/** The list of the Python library email-validator, which judges addresses in FastAPI; `example` is not on it. */
const specialUse = new Set(["arpa", "invalid", "local", "localhost", "onion", "test"]);

/**
 * Reads an address by the rules of FastAPI's `EmailStr` (email-validator without DNS): trimmed, the local part's case
 * kept, the domain in lower-case Unicode. Quoted local parts, comments, display names, address literals, domains
 * without a dot and special-use domains are refused. Any length of text is answered at once.
 * @returns the address, or why it is none in pydantic's words
 */
export function parseEmailAddress(text: string): EmailAddress | { problem: string } {
  const refused = (why: string) => ({ problem: `value is not a valid email address: ${why}` });
  const trimmed = text.trim();
  if (trimmed.length > 2 * longestAddress) return refused("The email address is too long.");
  const at = trimmed.lastIndexOf("@");
  if (at < 0) return refused("An email address must have an @-sign.");
  if (at === 0) return refused("There must be something before the @-sign.");

  const localPart = trimmed.slice(0, at).normalize("NFC");
  if (!dotAtom.test(localPart) || !dotAtom.test(localPart.normalize("NFKC")))
    return refused("The email address contains invalid characters before the @-sign.");
  if ([...localPart].length > longestLocalPart)
    return refused("The email address is too long before the @-sign.");

  const domain = readDomain(trimmed.slice(at + 1));
  if ("why" in domain) return refused(domain.why);
  if (Buffer.byteLength(localPart) + 1 + domain.ascii.length > longestAddress)
    return refused("The email address is too long.");
  return { address: `${localPart}@${domain.shown}`, uniqueKey: `${fold(localPart)}@${domain.ascii}` };
}

/**
 * The address in a request's body.
 * @throws ValidationProblems at `["body", "email"]`
 */
export function validEmailAddress(text: string): EmailAddress {
  const parsed = parseEmailAddress(text);
  if ("problem" in parsed)
    throw new ValidationProblems([{ type: "value_error", loc: ["body", "email"], msg: parsed.problem }]);
  return parsed;
}

/**
 * The unique form of any text given as an address: for looking up an account, and for addresses taken over from
 * elsewhere that our own rules would refuse.
 */
export function addressKey(text: string): string {
  const parsed = parseEmailAddress(text);
  return "problem" in parsed ? fold(text.trim()) : parsed.uniqueKey;
}

function readDomain(text: string): { shown: string; ascii: string } | { why: string } {
  if (text === "") return { why: "There must be something after the @-sign." };
  const invalid = { why: "The part after the @-sign contains invalid characters." };
  if (!domainText.test(text)) return invalid;
  // Maps and checks by UTS 46; the same domain has one form whether it came in Unicode or in Punycode.
  const ascii = domainToASCII(text).toLowerCase();
  const shown = domainToUnicode(ascii);
  const labels = ascii.split(".");
  if (!labels.every((part) => asciiLabel.test(part)) || !shown.split(".").every((part) => label.test(part)))
    return invalid;
  const top = labels.at(-1) ?? "";
  if (labels.length < 2) return { why: "The part after the @-sign is not valid. It should have a period." };
  if (specialUse.has(top))
    return {
      why: "The part after the @-sign is a special-use or reserved name that cannot be used with email.",
    };
  if (!/[a-z]$/.test(top))
    return { why: "The part after the @-sign is not valid. It is not within a valid top-level domain." };
  return { shown, ascii };
}

/** Case folding: by way of upper case, so that ß and ss, and both small sigmas, come out the same. */
const fold = (text: string): string => text.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
