import { atMost, median, megabytes, type Bench, type Figure } from "../bench.ts";

/** Time from starting the executable on existing data to the first response of `/health`, and idle memory. */
export async function start(bench: Bench): Promise<Figure[]> {
  const { dataDir } = await bench.seeded(1000);
  const times: number[] = [];
  const memory: number[] = [];
  for (let turn = 0; turn < 7; turn++) {
    const begun = performance.now();
    const service = await bench.service(dataDir);
    times.push(performance.now() - begun);
    if (turn % 3 === 0) {
      await Bun.sleep(1000);
      memory.push(megabytes(service.memory()));
    }
    await service.stop();
  }
  const time = median(times);
  const idle = median(memory);
  return [
    { what: "cold start", unit: "ms", service: time, ...atMost(100, time, "ms") },
    { what: "idle memory", unit: "MB", service: idle, ...atMost(70, idle, "MB") },
  ];
}
