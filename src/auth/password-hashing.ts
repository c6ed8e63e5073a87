import { createFairSemaphore, type FairSemaphoreLimits } from "../concurrency/fair-semaphore.ts";

/**
 * Argon2id above the strongest of OWASP's equivalent minimums (m=47104, t=1, p=1): 64 MiB as in the hashes of
 * FastAPI Users, in one pass: about 65 ms on one core.
 */
const ours = { algorithm: "argon2id", memoryCost: 65_536, timeCost: 1 } as const;
const ourPrefix = `$argon2id$v=19$m=${ours.memoryCost},t=${ours.timeCost},p=1$`;

/** No password fits; trying one costs what one of our own hashes costs. */
const nobody = `${ourPrefix}${"A".repeat(43)}$${"A".repeat(43)}`;

const argon2id =
  /^\$argon2id\$v=19\$m=(\d{1,20}),t=(\d{1,20}),p=(\d{1,20})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,86}$/;
const bcrypt = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const bcryptBytes = 72;

/** The most that an imported hash may cost, some seconds of a core: a planted one could take hours or all memory. */
const maxCost = { memoryKib: 262_144, passes: 10, lanes: 16, bcryptCost: 14 };

/** The result of checking a password. */
export interface Verification {
  readonly valid: boolean;
  /** Whether the hash should be replaced by one of ours. */
  readonly needsRehash: boolean;
  /** Whether the hash would have cost too much, so that it was not computed and no password is valid. */
  readonly unaffordable: boolean;
}

/**
 * Makes and checks password hashes, few at once: each takes a core and its memory while it runs.
 * The queue takes turns by `parties`, see {@link FairSemaphore.run}.
 */
export interface PasswordHashing {
  /** One of our own hashes, in PHC string format. The password must not be empty. */
  hash(password: string, parties: readonly string[]): Promise<string>;
  /**
   * Checks a password against a hash. A hash that is malformed, of an unknown kind or unaffordable fits no
   * password, at the cost of one of ours.
   */
  verify(password: string, hash: string, parties: readonly string[]): Promise<Verification>;
  /** Costs what {@link PasswordHashing.verify} costs with one of our hashes: for accounts that do not exist. */
  verifyDummy(password: string, parties: readonly string[]): Promise<void>;
  /** Hashes running and waiting. */
  pending(): number;
}

/**
 * All three ways in share one queue and reject with ApiError OVERLOADED when they find no place in it.
 * @param limits its concurrency should be less than the cores, so that the rest of the service stays quick
 */
export function createPasswordHashing(limits: FairSemaphoreLimits): PasswordHashing {
  const semaphore = createFairSemaphore(limits);
  /** Imported hashes may take four times our memory: only one of those runs at once. */
  const large = createFairSemaphore({ ...limits, concurrency: 1 });
  return {
    hash: (password, parties) => semaphore.run(parties, () => Bun.password.hash(password, ours)),
    verify(password, hash, parties) {
      const kind = kindOf(hash);
      const verification = () =>
        semaphore.run(parties, async () => ({
          valid: await fits(password, hash, kind),
          needsRehash: !hash.startsWith(ourPrefix),
          unaffordable: kind === "unaffordable",
        }));
      return kind === "large argon2id" ? large.run(parties, verification) : verification();
    },
    verifyDummy: (password, parties) =>
      semaphore.run(parties, async () => void (await fits(password, nobody, "argon2id"))),
    // The large hash whose turn it is counts in both semaphores.
    pending: () => semaphore.pending() + Math.max(0, large.pending() - 1),
  };
}

type Kind = "argon2id" | "large argon2id" | "bcrypt" | "unaffordable" | "unknown";

function kindOf(hash: string): Kind {
  const [, memoryKib, passes, lanes] = argon2id.exec(hash) ?? [];
  if (memoryKib !== undefined) {
    const affordable =
      Number(memoryKib) <= maxCost.memoryKib &&
      Number(passes) <= maxCost.passes &&
      Number(lanes) <= maxCost.lanes;
    if (!affordable) return "unaffordable";
    return Number(memoryKib) > ours.memoryCost ? "large argon2id" : "argon2id";
  }
  const [, cost] = bcrypt.exec(hash) ?? [];
  if (cost === undefined) return "unknown";
  return Number(cost) <= maxCost.bcryptCost ? "bcrypt" : "unaffordable";
}

async function fits(password: string, hash: string, kind: Kind): Promise<boolean> {
  const bytes = Buffer.from(password);
  if (bytes.length > 0)
    try {
      switch (kind) {
        case "argon2id":
        case "large argon2id":
          return await Bun.password.verify(bytes, hash);
        case "bcrypt":
          // bcrypt sees 72 bytes and so did the program that made these hashes; Bun alone would digest a longer password.
          return await Bun.password.verify(bytes.subarray(0, bcryptBytes), hash);
      }
    } catch {
      // Looked like a hash and is none.
    }
  await Bun.password.verify(bytes.length > 0 ? bytes : " ", nobody);
  return false;
}
