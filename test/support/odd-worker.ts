// A worker process for tests: does what a job says, harmful things too.
process.on("disconnect", () => process.exit(0));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
const held: Uint8Array[] = [];
let jobs = 0;
process.on("message", async ({ order }: { order: string }) => {
  jobs += 1;
  if (order === "crash") process.kill(process.pid, "SIGSEGV");
  if (order === "crash once" && jobs === 1 && !(await Bun.file("crashed").exists())) {
    await Bun.write("crashed", "");
    process.exit(3);
  }
  if (order === "spin") for (;;);
  if (order === "sleep") await Bun.sleep(60_000);
  if (order === "eat")
    for (;;) {
      held.push(new Uint8Array(10_000_000).fill(1));
      await Bun.sleep(1);
    }
  if (order === "fat") held.push(new Uint8Array(80_000_000).fill(1));
  if (order === "environment") return process.send?.({ environment: process.env });
  process.send?.({ order, pid: process.pid, jobs });
});
