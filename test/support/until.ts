/**
 * Waits until the condition holds, asking again every few milliseconds.
 * @throws Error when it does not hold in time
 */
export async function until(condition: () => unknown, { timeoutMs = 50_000 } = {}): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not true within ${timeoutMs} ms: ${condition}`);
    await Bun.sleep(10);
  }
}
