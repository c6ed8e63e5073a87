import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Busboy, type BusboyHeaders } from "@fastify/busboy";

export type Call = "upload" | "find" | "delete" | "purge";

/** What the fake does wrong. "before" and "after" tell whether the call has its effect. */
export type Fault =
  | "hang before"
  | "hang after"
  | "close before"
  | "close in the body"
  | "close after"
  | "202"
  | "no fileId"
  | "truncated JSON"
  | "stalled JSON"
  | "odd JSON"
  | "HTML"
  | "slow"
  | "over the size limit"
  | "401"
  | "403"
  | "storage exhausted"
  | "404"
  | "malformed id"
  | "429"
  | "429 for long"
  | "500"
  | "500 after"
  | "503";

export interface FakeFile {
  readonly fileId: string;
  readonly name: string;
  readonly filePath: string;
  readonly size: number;
  readonly sha256: string;
  readonly contentType: string;
  readonly tags: string[];
  /** How often this path was uploaded. */
  readonly versions: number;
}

/** ImageKit's upload and media API, as far as the service uses it, on a port of this machine. */
export interface FakeImageKit {
  readonly url: string;
  /** Where the fake delivers files of at most {@link maxKeptBytes}, in place of `urlEndpoint`. */
  readonly deliveryUrl: string;
  readonly urlEndpoint: string;
  readonly privateKey: string;
  /** By path. Sizes and hashes only, so that a large file costs no memory. */
  readonly files: ReadonlyMap<string, FakeFile>;
  /** Puts a file at this path, as another program does. */
  place(path: string, content: Buffer): void;
  /** Every call that came, with the status it got (0: none). */
  readonly calls: readonly { readonly call: Call; readonly status: number }[];
  /** Addresses that were purged from the CDN. */
  readonly purged: readonly string[];
  /** The next `times` calls of this kind go wrong; null: they go well again. */
  fail(call: Call, fault: Fault | null, times?: number): void;
  close(): Promise<void>;
}

/** An answer other than success, in ImageKit's words. */
class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

/** The connection is to be closed without an answer. */
class Closed extends Error {}

const resetAfter = (milliseconds: number) => ({
  "X-RateLimit-Limit": "40",
  "X-RateLimit-Interval": "1000",
  "X-RateLimit-Reset": String(milliseconds),
});

/** Larger files cost no memory: only their sizes and hashes are kept. */
const maxKeptBytes = 4_000_000;

export async function startFakeImageKit(privateKey = "private_fake/Key+1=="): Promise<FakeImageKit> {
  const files = new Map<string, FakeFile>();
  const contents = new Map<string, Buffer>();
  const calls: { call: Call; status: number }[] = [];
  const purged: string[] = [];
  const faults = new Map<Call, { fault: Fault; left: number }>();
  const urlEndpoint = "https://ik.imagekit.io/fake";

  const refusals: Partial<Record<Fault, () => Refused>> = {
    "over the size limit": () =>
      new Refused(400, "Your file exceeds the maximum size limit of 25 MB of your plan."),
    "401": () => new Refused(401, "Your request does not contain private API key."),
    // The worst that could come back: the key itself.
    "403": () =>
      new Refused(403, `Your account cannot be authenticated: ${privateKey} (${btoa(`${privateKey}:`)})`),
    "storage exhausted": () => new Refused(403, "You have exceeded the storage limit of your plan."),
    "404": () => new Refused(404, "The requested file does not exist."),
    "malformed id": () => new Refused(400, "Your request contains invalid fileId parameter."),
    "429": () => new Refused(429, "Rate limit exceeded", resetAfter(20)),
    "429 for long": () => new Refused(429, "Rate limit exceeded", resetAfter(90_000)),
    "500": () => new Refused(500, "We have encountered an internal error while processing your request."),
    "503": () => new Refused(503, "Service unavailable"),
  };

  function nextFault(call: Call): Fault | null {
    const planned = faults.get(call);
    if (planned === undefined || planned.left === 0) return null;
    planned.left--;
    return planned.fault;
  }

  function authenticate(request: IncomingMessage): void {
    const [scheme, credentials = ""] = (request.headers.authorization ?? "").split(" ");
    if (scheme !== "Basic") throw new Refused(401, "Your request does not contain private API key.");
    if (atob(credentials).split(":")[0] !== privateKey)
      throw new Refused(403, "Your account cannot be authenticated.");
  }

  async function upload(request: IncomingMessage, fault: Fault | null): Promise<object> {
    const form = await readForm(request, fault);
    const wanted = form.fields["fileName"];
    if (wanted === undefined) throw new Refused(400, "Missing fileName parameter for upload");
    const { fields, file } = form;
    if (file === null) throw new Refused(400, "Missing file parameter for upload");
    let name = wanted.replace(/[^A-Za-z0-9.-]/g, "_");
    if (fields["useUniqueFileName"] !== "false") name = `${crypto.randomUUID().slice(0, 9)}_${name}`;
    const filePath = `${(fields["folder"] ?? "/").replace(/\/+$/, "")}/${name}`;
    const old = files.get(filePath);
    const { content, ...facts } = file;
    contents.set(filePath, content);
    const stored: FakeFile = {
      ...facts,
      fileId: old?.fileId ?? hex(24),
      name,
      filePath,
      tags: fields["tags"]?.split(",") ?? [],
      versions: (old?.versions ?? 0) + 1,
    };
    files.set(filePath, stored);
    return described(stored);
  }

  function described(file: FakeFile): object {
    const url = `${urlEndpoint}${file.filePath}`;
    return {
      fileId: file.fileId,
      name: file.name,
      size: file.size,
      filePath: file.filePath,
      url,
      fileType: file.contentType.startsWith("image/") ? "image" : "non-image",
      tags: file.tags,
      ...(file.contentType.startsWith("image/") && { width: 4, height: 3 }),
      versionInfo: { id: hex(24), name: `Version ${file.versions}` },
      AITags: null,
    };
  }

  /** A page of all files, oldest first. */
  function list({ searchParams }: URL): object[] {
    if (searchParams.get("type") !== "file" || searchParams.get("sort") !== "ASC_CREATED")
      throw new Refused(400, "Invalid parameters");
    const skip = Number(searchParams.get("skip"));
    return [...files.values()].slice(skip, skip + Number(searchParams.get("limit"))).map(described);
  }

  function find(address: URL): object[] {
    if (!address.searchParams.has("searchQuery")) return list(address);
    const [, name] = /^name="([^"]+)"$/.exec(address.searchParams.get("searchQuery") ?? "") ?? [];
    if (name === undefined)
      throw new Refused(400, "Invalid search query - searchQuery has an unexpected shape.");
    const folder = (address.searchParams.get("path") ?? "").replace(/\/+$/, "");
    const found = files.get(`${folder}/${name}`);
    return found ? [described(found)] : [];
  }

  function remove(fileId: string): null {
    if (!/^[0-9a-f]{24}$/.test(fileId))
      throw new Refused(400, "Your request contains invalid fileId parameter.");
    const found = [...files.values()].find((file) => file.fileId === fileId);
    if (!found) throw new Refused(404, "The requested file does not exist.");
    files.delete(found.filePath);
    return null;
  }

  async function purge(request: IncomingMessage): Promise<object> {
    const { url } = JSON.parse(await textOf(request)) as { url?: string };
    if (!url || !/^https:\/\/|^http:\/\/127\.0\.0\.1:/.test(url)) throw new Refused(400, "Invalid URL");
    purged.push(url);
    return { requestId: hex(24) };
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = new URL(request.url ?? "/", "http://fake");
    const path = address.pathname.replace(/^\/delivery/, "");
    if (path !== address.pathname) {
      const content = files.has(path) ? contents.get(path) : undefined;
      const body = content ?? Buffer.from("Not found");
      return void response.writeHead(content ? 200 : 404, { "Content-Length": body.length }).end(body);
    }
    const call = callOf(request.method ?? "", address.pathname);
    if (call === null) return send(response, 404, { message: "Not found" });
    const record = { call, status: 0 };
    calls.push(record);
    const fault = nextFault(call);
    try {
      authenticate(request);
      if (fault === "hang before") return void request.resume();
      if (fault === "close before") throw new Closed();
      const refusal = fault && refusals[fault]?.();
      if (refusal) {
        await drained(request);
        throw refusal;
      }
      const result =
        call === "upload"
          ? await upload(request, fault)
          : call === "find"
            ? find(address)
            : call === "delete"
              ? remove(address.pathname.split("/").at(-1) ?? "")
              : await purge(request);
      if (fault === "hang after") return;
      if (fault === "close after") throw new Closed();
      if (fault === "500 after") throw new Refused(500, "Internal error");
      record.status =
        wrongly(response, fault, result) ?? (result === null ? 204 : call === "purge" ? 201 : 200);
      if (!response.headersSent) send(response, record.status, result);
    } catch (failure) {
      if (failure instanceof Refused) {
        record.status = failure.status;
        return send(
          response,
          failure.status,
          { message: failure.message, help: "support@imagekit.io" },
          failure.headers,
        );
      }
      request.socket.destroy();
    }
  }

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    deliveryUrl: `${url}/delivery`,
    urlEndpoint,
    privateKey,
    files,
    calls,
    purged,
    place(path, content) {
      contents.set(path, content);
      const name = path.slice(path.lastIndexOf("/") + 1);
      const sha256 = new Bun.CryptoHasher("sha256").update(content).digest("hex");
      const type = /\.mp4$/.test(name) ? "video/mp4" : "image/png";
      const facts = { size: content.length, sha256, contentType: type, tags: [], versions: 1 };
      files.set(path, { ...facts, fileId: hex(24), name, filePath: path });
    },
    fail(call, fault, times = Number.POSITIVE_INFINITY) {
      if (fault === null) faults.delete(call);
      else faults.set(call, { fault, left: times });
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

function callOf(method: string, path: string): Call | null {
  if (method === "POST" && path === "/api/v1/files/upload") return "upload";
  if (method === "POST" && path === "/v1/files/purge") return "purge";
  if (method === "GET" && path === "/v1/files") return "find";
  if (method === "DELETE" && /^\/v1\/files\/[^/]+$/.test(path)) return "delete";
  return null;
}

/** Answers with a success that is none; the status it sent, or null when the fault is of another kind. */
function wrongly(response: ServerResponse, fault: Fault | null, result: object | null): number | null {
  switch (fault) {
    case "202":
      send(response, 202, { message: "Your request is being processed" });
      return 202;
    case "no fileId":
      send(response, 200, { name: "file" });
      return 200;
    case "odd JSON":
      send(response, 200, "fine");
      return 200;
    case "HTML":
      response
        .writeHead(200, { "Content-Type": "text/html" })
        .end("<html>Sign in to the hotel's network</html>");
      return 200;
    case "stalled JSON":
      response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "1000" }).write("{");
      return 200;
    case "truncated JSON":
      response
        .writeHead(200, { "Content-Type": "application/json" })
        .end(JSON.stringify(result ?? {}).slice(0, -1));
      return 200;
    default:
      return null;
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "Content-Type": "application/json", "x-ik-requestId": hex(8), ...headers });
  response.end(status === 204 ? undefined : JSON.stringify(body));
}

type ReceivedFile = Pick<FakeFile, "size" | "sha256" | "contentType"> & { readonly content: Buffer };

/** Reads an upload as strictly as can be: known fields once each, one file part, the length announced. */
function readForm(request: IncomingMessage, fault: Fault | null) {
  const known = ["fileName", "useUniqueFileName", "folder", "tags"];
  if (request.headers["content-length"] === undefined) throw new Refused(411, "Length required");
  const { promise, resolve, reject } = Promise.withResolvers<{
    fields: Record<string, string>;
    file: ReceivedFile | null;
  }>();
  const fields: Record<string, string> = {};
  let file: ReceivedFile | null = null;
  const form = new Busboy({ headers: request.headers as BusboyHeaders });
  form.on("field", (name, value) => {
    if (!known.includes(name) || name in fields) reject(new Refused(400, `Unexpected parameter ${name}`));
    fields[name] = value;
  });
  form.on("file", (name, stream, _fileName, _encoding, contentType) => {
    if (name !== "file" || file) reject(new Refused(400, `Unexpected file ${name}`));
    const hash = new Bun.CryptoHasher("sha256");
    let size = 0;
    const kept: Buffer[] = [];
    stream.on("error", reject);
    stream.on("data", (chunk: Buffer) => {
      if (fault === "close in the body") request.socket.destroy();
      hash.update(chunk);
      size += chunk.length;
      if (size <= maxKeptBytes) kept.push(chunk);
      if (fault === "slow") {
        stream.pause();
        void sleep(2).then(() => stream.resume());
      }
    });
    stream.on("end", () => {
      file = { size, sha256: hash.digest("hex"), contentType, content: Buffer.concat(kept) };
    });
  });
  form.on("finish", () => resolve({ fields, file }));
  form.on("error", () => reject(new Refused(400, "Broken multipart")));
  request.on("error", () => reject(new Closed()));
  request.on("close", () => {
    if (!request.complete) reject(new Closed());
  });
  request.pipe(form);
  return promise;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function drained(request: IncomingMessage): Promise<void> {
  for await (const _ of request);
}

function hex(digits: number): string {
  return crypto.getRandomValues(Buffer.alloc(digits / 2)).toString("hex");
}
