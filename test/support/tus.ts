import { createApp } from "../../src/app.ts";
import { createHandler } from "../../src/request-handler.ts";
import type { Services } from "../../src/services.ts";
import type { TestService } from "./service.ts";

type Headers = Record<string, string>;

/** `Upload-Metadata` of these texts. */
export const metadata = (texts: Record<string, string>): string =>
  Object.entries(texts)
    .map(([key, text]) => `${key} ${Buffer.from(text).toString("base64")}`)
    .join();

export const checksumOf = (bytes: Uint8Array, algorithm: "sha1" | "sha256" = "sha1"): string =>
  `${algorithm} ${new Bun.CryptoHasher(algorithm).update(bytes).digest("base64")}`;

/** Sends the requests of tus to a service, one by one, as this token's account. */
export class TusRequests {
  constructor(
    private readonly service: Pick<TestService, "fetch">,
    private readonly token: string,
  ) {}

  create(length: number | string, headers: Headers = {}, body?: BodyInit): Promise<Response> {
    const type: Headers = body === undefined ? {} : { "content-type": "application/offset+octet-stream" };
    return this.#ask("/uploads", "POST", { "upload-length": String(length), ...type, ...headers }, body);
  }

  /** Begins an upload and returns its path. */
  async begin(length: number, texts: Record<string, string> = { filename: "film.mp4" }): Promise<string> {
    const answer = await this.create(length, { "upload-metadata": metadata(texts) });
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    return new URL(answer.headers.get("location")!).pathname;
  }

  patch(path: string, offset: number, body: BodyInit, headers: Headers = {}): Promise<Response> {
    const own = { "content-type": "application/offset+octet-stream", "upload-offset": String(offset) };
    return this.#ask(path, "PATCH", { ...own, ...headers }, body);
  }

  head(path: string): Promise<Response> {
    return this.#ask(path, "HEAD");
  }

  /** Sets the poster or preview of an upload. */
  thumbnail(path: string, image: BodyInit): Promise<Response> {
    return this.#ask(`${path}/thumbnail`, "PUT", { "content-type": "image/jpeg" }, image);
  }

  terminate(path: string): Promise<Response> {
    return this.#ask(path, "DELETE");
  }

  /** The offset that HEAD tells. */
  async offset(path: string): Promise<number> {
    const { status, headers } = await this.head(path);
    if (status !== 200) throw new Error(`HEAD ${status}`);
    return Number(headers.get("upload-offset"));
  }

  #ask(path: string, method: string, headers: Headers = {}, body?: BodyInit): Promise<Response> {
    const { token } = this;
    const init = { method, token, headers: { "tus-resumable": "1.0.0", ...headers } };
    return this.service.fetch(path, body === undefined ? init : { ...init, body });
  }
}

/** The id of the post that a response tells of. */
export const postIdIn = ({ headers }: Response): string | undefined =>
  /\/posts\/([0-9a-f-]{36})$/.exec(headers.get("content-location") ?? "")?.[1];

/** One node of a service: the same one for every request. */
export const nodeOf = (
  { services }: TestService,
  changes: (services: Services) => Partial<Services> = () => ({}),
): Pick<TestService, "fetch"> => {
  const changed = { ...services, ...changes(services) };
  const handler = createHandler(createApp(changed), changed);
  return {
    fetch(path, { token, json: _, ...init } = {}) {
      const headers = new Headers(init.headers);
      if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
      return handler(new Request(`http://localhost${path}`, { ...init, headers }));
    },
  };
};
