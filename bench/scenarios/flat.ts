import { join } from "node:path";

import { atMost, megabytes, type Bench, type Figure } from "../bench.ts";
import { writePhoto } from "../media-files.ts";
import { bearer } from "../wrk.ts";

const minutes = Number(process.env["FLAT_MINUTES"] ?? 10);

/** Whether memory stays where it is while people read, share, delete and log in; `FLAT_MINUTES` says how long. */
export async function flat(bench: Bench): Promise<Figure[]> {
  const { dataDir, email, password, ...seeded } = await bench.seeded(1000);
  const service = await bench.service(dataDir);
  const file = join(bench.folder, "photo.jpg");
  await writePhoto(file);
  const photo = new Uint8Array(
    await new Bun.Image(await Bun.file(file).bytes()).resize(1600, 1200).jpeg().bytes(),
  );

  let { token } = seeded;
  let answers = 0;
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(service.address + path, { headers: bearer(token), ...init });
    if (!answer.ok) throw new Error(`${path} was answered ${answer.status}`);
    answers++;
    return answer;
  };
  const read = async () => void (await (await ask("/feed?limit=20")).arrayBuffer());
  const share = async () => {
    const body = new FormData();
    body.set("file", new Blob([photo]), "photo.jpg");
    const { id, url } = (await (await ask("/upload", { method: "POST", body })).json()) as {
      id: string;
      url: string;
    };
    await (await ask(new URL(url).pathname)).arrayBuffer();
    await (await ask(`/posts/${id}`, { method: "DELETE" })).arrayBuffer();
  };
  const logIn = async () => {
    const body = new URLSearchParams({ username: email, password });
    const answer = await ask("/auth/jwt/login", { method: "POST", body, headers: {} });
    token = ((await answer.json()) as { access_token: string }).access_token;
  };

  let over = false;
  const lanes = [
    ...Array.from({ length: 4 }, () => ({ task: read, pause: 5 })),
    ...Array.from({ length: 2 }, () => ({ task: share, pause: 100 })),
    { task: logIn, pause: 500 },
  ].map(async ({ task, pause }) => {
    while (!over) {
      await task();
      await Bun.sleep(pause);
    }
  });
  const watch = async () => {
    const sizes: number[] = [];
    for (let minute = 1; minute <= minutes; minute++) {
      await Bun.sleep(60_000);
      sizes.push(megabytes(service.memory()));
      process.stderr.write(`  ${minute} min: ${sizes.at(-1)!.toFixed(0)} MB, ${answers} answers\n`);
    }
    over = true;
    return sizes;
  };
  const [sizes] = await Promise.all([watch(), ...lanes]);
  const peak = megabytes(service.peak());
  await service.stop();
  const first = sizes[0] ?? 0;
  // Garbage comes and goes by tens of megabytes; what is lost raises the least of several minutes.
  const growth = Math.min(...sizes.slice(-Math.ceil(sizes.length / 3))) - first;
  return [
    { what: `${answers} answers to mixed requests: memory after a minute`, unit: "MB", service: first },
    {
      what: "… growth, by the least of the last third",
      unit: "MB",
      service: growth,
      ...atMost(25, growth, "MB"),
    },
    { what: "… peak", unit: "MB", service: peak },
  ];
}
