import { join } from "node:path";

import { atMost, megabytes, type Bench, type Figure } from "../bench.ts";
import { writePhoto } from "../media-files.ts";
import { bearer } from "../wrk.ts";

const minutes = Number(process.env["FLAT_MINUTES"] ?? 10);

/** Memory growth under a mix of reads, uploads, deletions and logins over `FLAT_MINUTES`. */
export async function flat(bench: Bench): Promise<Figure[]> {
  const { dataDir, email, password, ...seeded } = await bench.seeded(1000);
  const service = await bench.service(dataDir);
  const file = join(bench.folder, "photo.jpg");
  await writePhoto(file);
  const photo = new Uint8Array(
    await new Bun.Image(await Bun.file(file).bytes()).resize(1600, 1200).jpeg().bytes(),
  );

  let { token } = seeded;
  let responses = 0;
  const send = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(service.address + path, { headers: bearer(token), ...init });
    if (!response.ok) throw new Error(`${path} returned ${response.status}`);
    responses++;
    return response;
  };
  const read = async () => void (await (await send("/feed?limit=20")).arrayBuffer());
  const share = async () => {
    const body = new FormData();
    body.set("file", new Blob([photo]), "photo.jpg");
    const { id, url } = (await (await send("/upload", { method: "POST", body })).json()) as {
      id: string;
      url: string;
    };
    await (await send(new URL(url).pathname)).arrayBuffer();
    await (await send(`/posts/${id}`, { method: "DELETE" })).arrayBuffer();
  };
  const logIn = async () => {
    const body = new URLSearchParams({ username: email, password });
    const response = await send("/auth/jwt/login", { method: "POST", body, headers: {} });
    token = ((await response.json()) as { access_token: string }).access_token;
  };

  let isOver = false;
  const clients = [
    ...Array.from({ length: 4 }, () => ({ task: read, pause: 5 })),
    ...Array.from({ length: 2 }, () => ({ task: share, pause: 100 })),
    { task: logIn, pause: 500 },
  ].map(async ({ task, pause }) => {
    while (!isOver) {
      await task();
      await Bun.sleep(pause);
    }
  });
  const watch = async () => {
    const sizes: number[] = [];
    for (let minute = 1; minute <= minutes; minute++) {
      await Bun.sleep(60_000);
      sizes.push(megabytes(service.memory()));
      process.stderr.write(`  ${minute} min: ${sizes.at(-1)!.toFixed(0)} MB, ${responses} responses\n`);
    }
    isOver = true;
    return sizes;
  };
  const [sizes] = await Promise.all([watch(), ...clients]);
  const peak = megabytes(service.peak());
  await service.stop();
  const first = sizes[0] ?? 0;
  // Garbage varies by tens of megabytes; a leak raises the minimum over several minutes.
  const growth = Math.min(...sizes.slice(-Math.ceil(sizes.length / 3))) - first;
  return [
    { what: `${responses} responses to mixed requests: memory after a minute`, unit: "MB", service: first },
    {
      what: "… growth, from the minimum of the last third",
      unit: "MB",
      service: growth,
      ...atMost(25, growth, "MB"),
    },
    { what: "… peak", unit: "MB", service: peak },
  ];
}
