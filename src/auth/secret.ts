import { randomBytes } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";

import { isStrongSecret } from "../config/secret-strength.ts";
import { moveWithoutReplacing } from "../files/move-without-replacing.ts";

/**
 * The secret that signs tokens where none is configured: made on first start and kept in the data folder (mode 0600).
 * Two processes starting at once get the same one, and a crash never leaves half a secret.
 */
export async function keptSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, "jwt-secret");
  const kept = await readSecret(path);
  if (kept) return kept;
  const fresh = `${path}.${process.pid}`;
  const file = await open(fresh, "w", 0o600);
  await file.writeFile(randomBytes(48).toString("base64url"));
  await file.sync();
  await file.close();
  try {
    moveWithoutReplacing(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const secret = await waitForSecret(path);
  if (!secret)
    throw new Error(`${path} holds no random secret of 32 bytes; without it one is made, and all tokens end`);
  return secret;
}

/** Another process may have made the file and not filled it yet: see {@link moveWithoutReplacing}. */
async function waitForSecret(path: string): Promise<string | undefined> {
  for (let tries = 0; tries < 20 && Bun.file(path).size === 0; tries++) await Bun.sleep(50);
  return readSecret(path);
}

async function readSecret(path: string): Promise<string | undefined> {
  const file = Bun.file(path);
  if (!(await file.exists())) return undefined;
  const secret = (await file.text()).trim();
  return isStrongSecret(secret) ? secret : undefined;
}
