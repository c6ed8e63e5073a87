const host = "127.0.0.1";

function listen(port: number): number {
  const probe = Bun.listen({ hostname: host, port, socket: { data() {} } });
  probe.stop(true);
  return probe.port;
}

function isFree(port: number): boolean {
  try {
    return listen(port) === port;
  } catch {
    return false;
  }
}

/**
 * Starts a server that cannot choose a port itself, on one that the kernel gives. Another process may take that port
 * before the server does: then the server is started again on another one.
 */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const port = listen(0);
    try {
      return await start(port);
    } catch (error) {
      if (attempt === 5 || isFree(port)) throw error;
    }
  }
}
