import type { Socket } from "bun";

/** Between a node and its database server: passes everything on, and cuts a connection where it is told to. */
export interface CuttingProxy {
  /** The server's address, but through the proxy. */
  readonly url: string;
  /**
   * Cuts the next connection that sends this text, all others stay: `before` the server has it, or `after` the server
   * has answered, of which nothing comes back.
   * @param nth of the times that the text is sent, from 1
   */
  cutAt(text: string, when: "before" | "after", nth?: number): void;
  /** From now on nothing passes on the connections that are open, in neither direction, though they stay open. */
  silence(): void;
  /** How many connections were cut. */
  readonly cuts: number;
  close(): void;
}

type Side = { other: Promise<Socket<Side>>; cutAfterAnswer: boolean; silences: number };

export function startCuttingProxy(serverUrl: string): CuttingProxy {
  const { hostname, port } = new URL(serverUrl);
  let plan: { text: string; when: "before" | "after"; left: number } | undefined;
  let cuts = 0;
  let silences = 0;
  const cut = (...sockets: Socket<Side>[]) => {
    cuts += 1;
    for (const socket of sockets) socket.terminate();
  };
  const listener = Bun.listen<Side>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(client) {
        const server = Bun.connect<Side>({
          hostname,
          port: Number(port),
          data: { other: Promise.resolve(client), cutAfterAnswer: false, silences },
          socket: {
            data(upstream, bytes) {
              if (client.data.silences < silences) return;
              if (client.data.cutAfterAnswer) cut(client, upstream);
              else client.write(bytes);
            },
            close: () => void client.end(),
          },
        });
        client.data = { other: server, cutAfterAnswer: false, silences };
      },
      async data(client, received) {
        const bytes = Buffer.from(received);
        const server = await client.data.other;
        if (client.data.silences < silences) return;
        if (plan && bytes.includes(plan.text) && --plan.left === 0) {
          const { when } = plan;
          plan = undefined;
          if (when === "before") return cut(client, server);
          client.data.cutAfterAnswer = true;
        }
        server.write(bytes);
      },
      close: (client) => void client.data.other.then((server) => server.end()),
    },
  });
  const url = new URL(serverUrl);
  url.host = `127.0.0.1:${listener.port}`;
  return {
    url: url.href,
    cutAt(text, when, nth = 1) {
      plan = { text, when, left: nth };
    },
    silence() {
      silences += 1;
    },
    get cuts() {
      return cuts;
    },
    close: () => listener.stop(true),
  };
}
