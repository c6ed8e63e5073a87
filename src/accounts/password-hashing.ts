import { createFairSemaphore, type FairSemaphoreLimits } from "../concurrency/fair-semaphore.ts";

/**
 * The current scheme: Argon2id with 64 MiB, as in FastAPI Users, and one pass. It exceeds OWASP's minimum for one pass
 * (m=47104, t=1, p=1) and takes about 65 ms on one core.
 */
const currentScheme = { algorithm: "argon2id", memoryCost: 65_536, timeCost: 1 } as const;
const currentPrefix = `$argon2id$v=19$m=${currentScheme.memoryCost},t=${currentScheme.timeCost},p=1$`;

/** A hash that no password matches. Verifying it takes as long as verifying any other hash of the current scheme. */
const dummyHash = `${currentPrefix}${"A".repeat(43)}$${"A".repeat(43)}`;

/** Stored instead of a hash for an account without a password. No password matches it. */
export const noPassword = "!";

const argon2idPattern =
  /^\$argon2id\$v=19\$m=(\d{1,20}),t=(\d{1,20}),p=(\d{1,20})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,86}$/;
const bcryptPattern = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/** bcrypt ignores every byte of a password after these. */
const bcryptMaxBytes = 72;

/** Limits on imported hashes, some seconds of one core. A malicious hash could take hours or all the memory. */
const maxCost = { memoryKib: 262_144, passes: 10, lanes: 16, bcryptCost: 14 };

/** The result of checking a password. */
export interface Verification {
  readonly valid: boolean;
  /** Whether the hash is of another scheme than the current one and should be replaced. */
  readonly needsRehash: boolean;
  /** Whether the hash exceeds the cost limits, so that no password matches it. */
  readonly unaffordable: boolean;
}

/**
 * Creates and verifies password hashes. Each occupies a core and much memory, so few run at once. The others wait in a
 * queue that takes turns by `parties`, see {@link FairSemaphore.run}. Every method except `pending` rejects with ApiError
 * OVERLOADED when the queue has no place.
 */
export interface PasswordHashing {
  /** Hashes a password, which must not be empty. @returns a hash of the current scheme in PHC string format */
  hash(password: string, parties: readonly string[]): Promise<string>;
  /**
   * Verifies a password. No password matches a hash that is malformed, of an unknown scheme or unaffordable; such a hash
   * takes as long to verify as one of the current scheme.
   */
  verify(password: string, hash: string, parties: readonly string[]): Promise<Verification>;
  /** Takes as long as {@link PasswordHashing.verify}; for accounts that do not exist. */
  verifyDummy(password: string, parties: readonly string[]): Promise<void>;
  /** Returns the number of running and waiting hashes. */
  pending(): number;
}

/** @param limits the concurrency should be less than the number of cores, so that the service stays responsive */
export function createPasswordHashing(limits: FairSemaphoreLimits): PasswordHashing {
  const semaphore = createFairSemaphore(limits);
  /** Imported hashes may take up to 256 MiB each. Those that exceed the current scheme's memory run one at a time. */
  const largeSemaphore = createFairSemaphore({ ...limits, concurrency: 1 });
  return {
    hash: (password, parties) => semaphore.run(parties, () => Bun.password.hash(password, currentScheme)),
    verify(password, hash, parties) {
      const kind = kindOf(hash);
      const verification = () =>
        semaphore.run(parties, async () => ({
          valid: await matches(password, hash, kind),
          needsRehash: !hash.startsWith(currentPrefix),
          unaffordable: kind === "unaffordable",
        }));
      return kind === "large argon2id" ? largeSemaphore.run(parties, verification) : verification();
    },
    verifyDummy: (password, parties) =>
      semaphore.run(parties, async () => void (await matches(password, dummyHash, "argon2id"))),
    // The large hash that runs, or is next to run, is pending in both semaphores.
    pending: () => semaphore.pending() + Math.max(0, largeSemaphore.pending() - 1),
  };
}

/** Whether any password can match a hash: its scheme is known, and its cost is within the limits. */
export const hasKnownHash = (hash: string): boolean => !["unknown", "unaffordable"].includes(kindOf(hash));

type Kind = "argon2id" | "large argon2id" | "bcrypt" | "unaffordable" | "unknown";

function kindOf(hash: string): Kind {
  const [, memoryKib, passes, lanes] = argon2idPattern.exec(hash) ?? [];
  if (memoryKib !== undefined) {
    const affordable =
      Number(memoryKib) <= maxCost.memoryKib &&
      Number(passes) <= maxCost.passes &&
      Number(lanes) <= maxCost.lanes;
    if (!affordable) return "unaffordable";
    return Number(memoryKib) > currentScheme.memoryCost ? "large argon2id" : "argon2id";
  }
  const [, cost] = bcryptPattern.exec(hash) ?? [];
  if (cost === undefined) return "unknown";
  return Number(cost) <= maxCost.bcryptCost ? "bcrypt" : "unaffordable";
}

async function matches(password: string, hash: string, kind: Kind): Promise<boolean> {
  const bytes = Buffer.from(password);
  if (bytes.length > 0)
    try {
      switch (kind) {
        case "argon2id":
        case "large argon2id":
          return await Bun.password.verify(bytes, hash);
        case "bcrypt":
          // Bun hashes a longer password with SHA-512 first; the program that created these hashes truncated it.
          return await Bun.password.verify(bytes.subarray(0, bcryptMaxBytes), hash);
      }
    } catch {
      // The hash has the right form but invalid content.
    }
  await Bun.password.verify(bytes.length > 0 ? bytes : " ", dummyHash);
  return false;
}
