/** The results of wrk. */
export interface Load {
  readonly requestsPerSecond: number;
  /** 99th percentile of the latency in milliseconds. */
  readonly p99: number;
}

/** @throws Error with installation instructions if wrk is missing */
export function requireWrk(): void {
  if (!Bun.which("wrk"))
    throw new Error("wrk is missing. Install it with `apt-get install wrk` or `brew install wrk`.");
}

/**
 * Requests a URL repeatedly.
 * @param options.script a Lua script that generates the requests instead (see wrk's README)
 * @throws Error if a response was an error or a connection failed
 */
export async function wrk(
  url: string,
  {
    seconds = 2,
    connections = 32,
    headers = {} as Record<string, string>,
    script = undefined as string | undefined,
  } = {},
): Promise<Load> {
  const options = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  if (script !== undefined) options.push("-s", script);
  const child = Bun.spawn(["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, "--latency", ...options, url], {
    stderr: "inherit",
  });
  const text = await new Response(child.stdout).text();
  const [, requests] = /Requests\/sec:\s+([\d.]+)/.exec(text) ?? [];
  const [, time, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(text) ?? [];
  if (requests === undefined || time === undefined || /Non-2xx|Socket errors/.test(text))
    throw new Error(`wrk on ${url} failed:\n${text}`);
  const milliseconds = { us: 0.001, ms: 1, s: 1000 }[unit as "us" | "ms" | "s"];
  return { requestsPerSecond: Number(requests), p99: Number(time) * milliseconds };
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
