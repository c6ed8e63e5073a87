export function createPasswordHashing() {
  return {
    hash: (p: string) => Bun.password.hash(p, { algorithm: "argon2id", memoryCost: 19456, timeCost: 2 }),
    verify: async (p: string, h: string) => ({
      valid: await Bun.password.verify(p, h).catch(() => false),
      needsRehash: false,
    }),
    verifyAgainstNobody: async (p: string) => void (await Bun.password.hash(p)),
  };
}
export type PasswordHashing = ReturnType<typeof createPasswordHashing>;
