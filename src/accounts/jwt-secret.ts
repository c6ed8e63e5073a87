import { randomBytes } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";

import { isStrongSecret } from "../config/secret-strength.ts";
import { secretFile } from "../data-dir.ts";
import { moveWithoutReplacing } from "../storage/move-without-replacing.ts";

/**
 * Returns the secret that signs tokens when none is configured. The first start generates it and stores it in the data
 * folder (mode 0600). Processes that start at the same time get the same secret, and a crash never leaves part of one.
 * @throws Error when the file exists but does not contain a strong secret
 */
export async function loadOrCreateSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, secretFile);
  const stored = await readSecret(path);
  if (stored) return stored;
  const tempPath = `${path}.${process.pid}`;
  const file = await open(tempPath, "w", 0o600);
  await file.writeFile(randomBytes(48).toString("base64url"));
  await file.sync();
  await file.close();
  try {
    moveWithoutReplacing(tempPath, path);
  } catch (error) {
    await rm(tempPath, { force: true });
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const secret = await waitForSecret(path);
  if (!secret)
    throw new Error(
      `${path} does not contain a random secret of 32 bytes; delete it to generate one, which invalidates all tokens`,
    );
  return secret;
}

/** Waits for content first: another process may have just created an empty file, see {@link moveWithoutReplacing}. */
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
