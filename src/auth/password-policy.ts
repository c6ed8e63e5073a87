export const isWellFormedText = (t: string) => t.isWellFormed();
export function passwordProblem(
  p: string,
  { minLength, email }: { minLength: number; email: string },
): string | undefined {
  if (p.length < minLength) return `Password should be at least ${minLength} characters`;
  if (Buffer.byteLength(p) > 1024) return "Password should be at most 1024 bytes";
  if (p === email) return "Password should not be the e-mail";
  return undefined;
}
