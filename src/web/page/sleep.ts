/** Waits. @throws the signal's reason when it aborts */
export function sleep(timeMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, timeMs);
    signal.addEventListener("abort", abort, { once: true });
  });
}
