import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ServiceProcess } from "../support/process.ts";

/** Two nodes behind one address, on one database, with one secret and one data folder. */
export class TwoNodes {
  private constructor(
    readonly a: ServiceProcess,
    readonly b: ServiceProcess,
    readonly folder: string,
    readonly databaseUrl: string,
  ) {}

  static async start(databaseUrl: string, environment: Record<string, string> = {}): Promise<TwoNodes> {
    const folder = await mkdtemp(join(tmpdir(), "image-sharing-nodes-"));
    const node = (name: string) =>
      new ServiceProcess(
        folder,
        {
          DATABASE_URL: databaseUrl,
          DATABASE_POOL_SIZE: "5",
          JWT_SECRET_KEY: "one secret that all the nodes know of",
          PUBLIC_URL: "https://photos.example.com",
          UPLOAD_DEADLINE: "2",
          SWEEP_GRACE: "3",
          SWEEP_INTERVAL: "1",
          LOG_LEVEL: "warn",
          ...environment,
        },
        { log: join(folder, `${name}.log`) },
      );
    const nodes = new TwoNodes(node("a"), node("b"), folder, databaseUrl);
    await Promise.all([nodes.a.start(), nodes.b.start()]);
    return nodes;
  }

  /** The log of both nodes. */
  async log(): Promise<string> {
    const texts = ["a", "b"].map((name) => Bun.file(join(this.folder, `${name}.log`)).text());
    return (await Promise.all(texts)).join("");
  }

  async end(): Promise<void> {
    await Promise.all([this.a.kill(), this.b.kill()]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The fields of a response that the tests use. */
export type Post = { id: string; url: string; created_at: string };
export const postOf = async (answer: Response): Promise<Post> => (await answer.json()) as Post;
