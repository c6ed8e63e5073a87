import { availableParallelism } from "node:os";

import { atLeast, compareAlternately, type Bench, type Figure } from "../bench.ts";

/** As many hashes at once as the service allows itself. */
const threads = Math.max(1, availableParallelism() - 1);

/** Logins against a bare loop of `Bun.password.verify` on as many threads. */
export async function login(bench: Bench): Promise<Figure[]> {
  const { dataDir, email, password, hashedPassword } = await bench.seeded(1000);
  const service = await bench.service(dataDir);
  const logIn = async () => {
    const body = new URLSearchParams({ username: email, password });
    const answer = await fetch(`${service.address}/auth/jwt/login`, { method: "POST", body });
    if (!answer.ok) throw new Error(`a login was answered ${answer.status}`);
    await answer.arrayBuffer();
  };
  const verify = async () => {
    if (!(await Bun.password.verify(password, hashedPassword))) throw new Error("the password does not fit");
  };
  await Promise.all([logIn(), verify()]);
  // One client more than threads keeps the service's queue from running dry.
  const result = await compareAlternately(
    5,
    () => ratePerSecond(1500, threads + 1, logIn),
    () => ratePerSecond(1500, threads, verify),
  );
  await service.stop();
  return [{ what: "login", unit: "logins/s", ...result, ...atLeast(0.95, result.ratio) }];
}

/** Repeats a task, so many at once, for so long (milliseconds). */
export async function ratePerSecond(
  time: number,
  atOnce: number,
  task: () => Promise<unknown>,
): Promise<number> {
  const start = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (; performance.now() < start + time; done++) await task();
    }),
  );
  return (done * 1000) / (performance.now() - start);
}
