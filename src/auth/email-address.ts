import { ValidationProblems } from "../errors.ts";
export interface EmailAddress {
  address: string;
  uniqueKey: string;
}
export const addressKey = (t: string) => t.trim().normalize("NFKC").toLowerCase();
export function parseEmailAddress(t: string): EmailAddress | { problem: string } {
  const a = t.trim();
  const m = /^([^\s@\0]+)@([^\s@\0]+\.[^\s@\0]+)$/.exec(a);
  if (!m) return { problem: "value is not a valid email address: An email address must have an @-sign." };
  const address = `${m[1]}@${m[2]!.toLowerCase()}`;
  return { address, uniqueKey: addressKey(address) };
}
export function validEmailAddress(t: string): EmailAddress {
  const p = parseEmailAddress(t);
  if ("problem" in p)
    throw new ValidationProblems([{ type: "value_error", loc: ["body", "email"], msg: p.problem }]);
  return p;
}
