import { join } from "node:path";

import { median, type Bench, type Figure } from "../bench.ts";
import { curl, uploadForm } from "../curl.ts";
import { writeVideo } from "../media-files.ts";
import { bearer, wrk } from "../wrk.ts";
import { ratePerSecond } from "./login.ts";

/** Latency of the feed on an idle service, during many logins and during large uploads. */
export async function calm(bench: Bench): Promise<Figure[]> {
  const { dataDir, token, email, password } = await bench.seeded(1000);
  const service = await bench.service(dataDir, { TRUST_PROXY: "1" });
  const file = join(bench.folder, "large.mp4");
  writeVideo(file, 1024 ** 3);
  const feed = async () =>
    (await wrk(`${service.address}/feed?limit=20`, { connections: 8, headers: bearer(token) })).p99;
  let logins = 0;
  const logIn = async () => {
    const body = new URLSearchParams({ username: email, password });
    // Many networks, because each may hold only 16 places in the queue.
    const headers = { "x-forwarded-for": `198.51.100.${(logins += 1) % 256}` };
    const answer = await fetch(`${service.address}/auth/jwt/login`, { method: "POST", body, headers });
    if (!answer.ok) throw new Error(`a login returned ${answer.status}`);
    await answer.arrayBuffer();
  };
  const beside = async (load: Promise<unknown>) => {
    await Bun.sleep(100);
    const p99 = await feed();
    await load;
    return p99;
  };
  const idle: number[] = [];
  const storm: number[] = [];
  const upload: number[] = [];
  await feed();
  for (let turn = 0; turn < 2; turn++) {
    idle.push(await feed());
    storm.push(await beside(ratePerSecond(2000, 32, logIn)));
    upload.push(await beside(curl(`${service.address}/upload`, bearer(token), uploadForm(file))));
  }
  await service.stop();
  const rise = median(storm.map((p99, turn) => p99 / idle[turn]!));
  return [
    { what: "feed p99, idle", unit: "ms", service: median(idle) },
    { what: "feed p99, 32 logins at once", unit: "ms", service: median(storm) },
    { what: "… compared with idle", unit: "×", service: rise, goal: "≤ 5 ×", reached: rise <= 5 },
    { what: "feed p99, during a 1 GB upload", unit: "ms", service: median(upload) },
  ];
}
