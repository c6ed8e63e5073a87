import type { Socket } from "bun";

/** A line to a service that breaks, as those of phones do. */
export interface UnreliableLine {
  readonly address: string;
  /** How many connections have been cut so far. */
  readonly cuts: number;
  close(): void;
}

type Side = { other: Socket<Side> | undefined; early: Buffer[]; left: number; pauseMs: number };

/** When a connection breaks: it passes this many bytes of the client, then nothing, and is cut after the pause. */
export interface Break {
  readonly bytes: number;
  readonly pauseMs: number;
}

/** @param nextBreak when the next connection breaks; undefined for never */
export function startUnreliableLine(
  serviceAddress: string,
  nextBreak: () => Break | undefined,
): UnreliableLine {
  const { hostname, port } = new URL(serviceAddress);
  let cuts = 0;
  const listener = Bun.listen<Side>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(client) {
        const { bytes, pauseMs } = nextBreak() ?? { bytes: Number.POSITIVE_INFINITY, pauseMs: 0 };
        client.data = { other: undefined, early: [], left: bytes, pauseMs };
        void Bun.connect<Side>({
          hostname,
          port: Number(port),
          data: { other: client, early: [], left: 0, pauseMs: 0 },
          socket: {
            open(service) {
              client.data.other = service;
              for (const bytes of client.data.early.splice(0)) pass(client, service, bytes);
            },
            data: (_, bytes) => void client.write(bytes),
            drain: () => client.resume(),
            close: () => void client.end(),
          },
        }).catch(() => client.terminate());
      },
      data(client, received) {
        const bytes = Buffer.from(received);
        const { other } = client.data;
        if (other) pass(client, other, bytes);
        else client.data.early.push(bytes);
      },
      close: (client) => void client.data.other?.end(),
    },
  });

  function pass(client: Socket<Side>, service: Socket<Side>, bytes: Buffer): void {
    const { data } = client;
    if (data.left === 0) return;
    const passed = bytes.subarray(0, data.left);
    data.left -= passed.length;
    service.write(passed);
    if (data.left > 0) return;
    cuts += 1;
    setTimeout(() => {
      client.terminate();
      // A reset would discard what the service has not read yet.
      service.end();
    }, data.pauseMs);
  }

  return {
    address: `http://127.0.0.1:${listener.port}`,
    get cuts() {
      return cuts;
    },
    close: () => listener.stop(true),
  };
}
