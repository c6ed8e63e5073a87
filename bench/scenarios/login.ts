import { availableParallelism } from "node:os";

import { atLeast, compareAlternately, type Bench, type Figure } from "../bench.ts";

/** The service's own limit of concurrent hashes. */
const threads = Math.max(1, availableParallelism() - 1);

/** Logins, compared with a loop of `Bun.password.verify` on as many threads. */
export async function login(bench: Bench): Promise<Figure[]> {
  const { dataDir, email, password, hashedPassword } = await bench.seeded(1000);
  const service = await bench.service(dataDir);
  const logIn = async () => {
    const body = new URLSearchParams({ username: email, password });
    const answer = await fetch(`${service.address}/auth/jwt/login`, { method: "POST", body });
    if (!answer.ok) throw new Error(`a login returned ${answer.status}`);
    await answer.arrayBuffer();
  };
  const verify = async () => {
    if (!(await Bun.password.verify(password, hashedPassword)))
      throw new Error("the password does not match");
  };
  await Promise.all([logIn(), verify()]);
  // One more client than threads keeps the service's queue filled.
  const result = await compareAlternately(
    5,
    () => ratePerSecond(1500, threads + 1, logIn),
    () => ratePerSecond(1500, threads, verify),
  );
  await service.stop();
  return [{ what: "login", unit: "logins/s", ...result, ...atLeast(0.95, result.ratio) }];
}

/** Runs a task repeatedly and returns its rate per second. */
export async function ratePerSecond(
  durationMs: number,
  concurrency: number,
  task: () => Promise<unknown>,
): Promise<number> {
  const start = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (; performance.now() < start + durationMs; done++) await task();
    }),
  );
  return (done * 1000) / (performance.now() - start);
}
