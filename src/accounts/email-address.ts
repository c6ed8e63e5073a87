import { domainToASCII, domainToUnicode } from "node:url";

import { ValidationProblems } from "../errors.ts";

/** A valid e-mail address. */
export interface EmailAddress {
  /** The address as stored and shown. */
  address: string;
  /** The normalized form that no two accounts may share. */
  uniqueKey: string;
}

/** RFC 5321, 4.5.3.1.1: characters in a local part. */
const maxLocalPartLength = 64;
/** RFC 5321, 4.5.3.1.3: bytes in an address, without the angle brackets of the path. */
const maxAddressBytes = 254;

/** An atom of RFC 5322, 3.2.3, extended by RFC 6532 to all letters, digits, punctuation and symbols. */
const atom = String.raw`(?:[A-Za-z0-9_!#$%&'*+\-/=?^\x60{|}~]|(?![\0-\x7f])[\p{L}\p{N}\p{M}\p{P}\p{S}])+`;
const dotAtom = new RegExp(String.raw`^(?!\p{M})${atom}(?:\.${atom})*$`, "u");
/** The characters of a domain before UTS 46 maps it, which replaces ideographic full stops and drops soft hyphens. */
const domainText = /^(?!\p{M})[A-Za-z0-9.\-\p{L}\p{N}\p{M}。．｡\u00ad]+$/u;
const label = /^(?!-)(?!..--)[\p{L}\p{N}\p{M}-]{1,63}(?<!-)$/u;
const asciiLabel = /^[a-z0-9-]{1,63}$/;
/** The special-use top-level domains that email-validator, the Python library behind FastAPI's `EmailStr`, rejects. */
const specialUseDomains = new Set(["arpa", "invalid", "local", "localhost", "onion", "test"]);

/**
 * Parses an address by the rules of FastAPI's `EmailStr` (email-validator without DNS): trims it, keeps the case of the
 * local part and converts the domain to lower-case Unicode. Rejects quoted local parts, comments, display names, address
 * literals, domains without a dot and special-use domains. Checks the length first, so that the time is bounded.
 * @returns the address, or the problem in pydantic's words
 */
export function parseEmailAddress(text: string): EmailAddress | { problem: string } {
  const invalid = (why: string) => ({ problem: `value is not a valid email address: ${why}` });
  const trimmed = text.trim();
  if (trimmed.length > 2 * maxAddressBytes) return invalid("The email address is too long.");
  const at = trimmed.lastIndexOf("@");
  if (at < 0) return invalid("An email address must have an @-sign.");
  if (at === 0) return invalid("There must be something before the @-sign.");

  const localPart = trimmed.slice(0, at).normalize("NFC");
  if (!dotAtom.test(localPart) || !dotAtom.test(localPart.normalize("NFKC")))
    return invalid("The email address contains invalid characters before the @-sign.");
  if ([...localPart].length > maxLocalPartLength)
    return invalid("The email address is too long before the @-sign.");

  const domain = parseDomain(trimmed.slice(at + 1));
  if ("problem" in domain) return invalid(domain.problem);
  if (Buffer.byteLength(localPart) + 1 + domain.ascii.length > maxAddressBytes)
    return invalid("The email address is too long.");
  return { address: `${localPart}@${domain.unicode}`, uniqueKey: `${foldCase(localPart)}@${domain.ascii}` };
}

/**
 * Parses the address in a request body.
 * @throws ValidationProblems at `["body", "email"]`
 */
export function validEmailAddress(text: string): EmailAddress {
  const parsed = parseEmailAddress(text);
  if ("problem" in parsed)
    throw new ValidationProblems([{ type: "value_error", loc: ["body", "email"], msg: parsed.problem }]);
  return parsed;
}

/**
 * Returns the unique key of any text submitted as an address, also of one that {@link parseEmailAddress} rejects: an
 * account may have been imported with such an address.
 */
export function addressKey(text: string): string {
  const parsed = parseEmailAddress(text);
  return "problem" in parsed ? foldCase(text.trim()) : parsed.uniqueKey;
}

function parseDomain(text: string): { unicode: string; ascii: string } | { problem: string } {
  if (text === "") return { problem: "There must be something after the @-sign." };
  const invalidCharacters = { problem: "The part after the @-sign contains invalid characters." };
  if (!domainText.test(text)) return invalidCharacters;
  // UTS 46 processing gives a domain the same form whether it was submitted in Unicode or Punycode.
  const ascii = domainToASCII(text).toLowerCase();
  const unicode = domainToUnicode(ascii);
  const labels = ascii.split(".");
  if (!labels.every((part) => asciiLabel.test(part)) || !unicode.split(".").every((part) => label.test(part)))
    return invalidCharacters;
  const topLevel = labels.at(-1) ?? "";
  if (labels.length < 2)
    return { problem: "The part after the @-sign is not valid. It should have a period." };
  if (specialUseDomains.has(topLevel))
    return {
      problem: "The part after the @-sign is a special-use or reserved name that cannot be used with email.",
    };
  if (!/[a-z]$/.test(topLevel))
    return { problem: "The part after the @-sign is not valid. It is not within a valid top-level domain." };
  return { unicode, ascii };
}

/** Folds case. Upper-casing first makes ß equal to ss, and both small sigmas equal. */
const foldCase = (text: string): string =>
  text.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
