import { createGate } from "../gate.ts";

/**
 * Argon2id above the strongest of OWASP's equivalent minimums (m=47104, t=1, p=1): 64 MiB as in the hashes of
 * FastAPI Users, in one pass: about 65 ms on one core.
 */
const ours = { algorithm: "argon2id", memoryCost: 65_536, timeCost: 1 } as const;
const ourPrefix = `$argon2id$v=19$m=${ours.memoryCost},t=${ours.timeCost},p=1$`;

/** No password fits; trying one costs what one of our own hashes costs. */
const nobody = `${ourPrefix}${"A".repeat(43)}$${"A".repeat(43)}`;

/** Hashes that are worth trying; the bounds keep a planted hash from taking all memory or hours. */
const argon2id =
  /^\$argon2id\$v=19\$m=(\d{1,6}),t=(\d{1,2}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,86}$/;
const mostMemory = 131_072;
const mostPasses = 10;
const bcrypt = /^\$2[aby]\$(?:0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}$/;
const bcryptBytes = 72;

/** Makes and checks password hashes, few at once: each takes a core and up to 64 MiB while it runs. */
export interface PasswordHashing {
  /** One of our own hashes, in PHC string format. The password must not be empty. */
  hash(password: string): Promise<string>;
  /**
   * Tells whether the password made the hash, and whether the hash should be replaced by one of ours.
   * An unknown or malformed hash fits no password, at the cost of one of ours.
   */
  verify(password: string, hash: string): Promise<{ valid: boolean; needsRehash: boolean }>;
  /** Costs what {@link PasswordHashing.verify} costs with one of our hashes: for accounts that do not exist. */
  verifyAgainstNobody(password: string): Promise<void>;
  /** Hashes running and waiting. */
  pending(): number;
}

/**
 * All three ways in share one gate and reject with ApiError OVERLOADED when its queue is full.
 * @param concurrency hashes at once; fewer than cores, so that the rest of the service stays quick
 * @param queueLimit how many more may wait
 */
export function createPasswordHashing(limits: { concurrency: number; queueLimit: number }): PasswordHashing {
  const gate = createGate(limits);
  return {
    hash: (password) => gate.pass(() => Bun.password.hash(password, ours)),
    verify: (password, hash) =>
      gate.pass(async () => ({
        valid: await fits(password, hash),
        needsRehash: !hash.startsWith(ourPrefix),
      })),
    verifyAgainstNobody: (password) => gate.pass(async () => void (await fits(password, nobody))),
    pending: () => gate.pending(),
  };
}

async function fits(password: string, hash: string): Promise<boolean> {
  const bytes = Buffer.from(password);
  try {
    if (bytes.length > 0 && affordableArgon2id(hash)) return await Bun.password.verify(bytes, hash);
    // bcrypt sees 72 bytes and so did the program that made these hashes; Bun alone would digest a longer password.
    if (bytes.length > 0 && bcrypt.test(hash))
      return await Bun.password.verify(bytes.subarray(0, bcryptBytes), hash);
  } catch {
    // Looked like a hash and is none.
  }
  await Bun.password.verify(bytes.length > 0 ? bytes : " ", nobody);
  return false;
}

function affordableArgon2id(hash: string): boolean {
  const [, memory, passes] = argon2id.exec(hash) ?? [];
  return memory !== undefined && Number(memory) <= mostMemory && Number(passes) <= mostPasses;
}
