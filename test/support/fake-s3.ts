import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the fake does wrong. "before" and "after" tell whether the call has its effect. */
export type S3Fault =
  | "hang before"
  | "hang after"
  | "close in the body"
  | "close after"
  | "403"
  | "no bucket"
  | "quota"
  | "too large"
  | "corrupt"
  | "odd ETag"
  | "multipart ETag"
  | "400 timeout"
  | "400"
  | "408"
  | "409"
  | "503";

export interface FakeS3 {
  readonly url: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** By key. */
  readonly objects: ReadonlyMap<
    string,
    {
      readonly sha256: string;
      readonly contentType: string;
      readonly cacheControl: string;
      readonly contentDisposition: string;
    }
  >;
  /** Methods of all calls. */
  readonly calls: readonly string[];
  /** The next `times` calls of this method go wrong; null: they go well again. */
  fail(method: "GET" | "PUT" | "HEAD" | "DELETE", fault: S3Fault | null, times?: number): void;
  close(): Promise<void>;
}

class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }
}
class Closed extends Error {}

function etagOf(body: Buffer, fault: S3Fault | null): string {
  if (fault === "odd ETag") return `"${"0".repeat(32)}"`;
  const md5 = createHash("md5").update(body).digest("hex");
  return fault === "multipart ETag" ? `"${md5}-2"` : `"${md5}"`;
}

const refusals: Partial<Record<S3Fault, () => Refused>> = {
  "403": () => new Refused(403, "AccessDenied"),
  "no bucket": () => new Refused(404, "NoSuchBucket"),
  quota: () => new Refused(403, "QuotaExceeded"),
  "too large": () => new Refused(400, "EntityTooLarge"),
  "400 timeout": () => new Refused(400, "RequestTimeout"),
  "400": () => new Refused(400, "InvalidRequest"),
  "408": () => new Refused(408, "RequestTimeout"),
  "409": () => new Refused(409, "OperationAborted"),
  "503": () => new Refused(503, "SlowDown"),
};

/** One bucket of an S3 service, addressed by path, that takes signed addresses (SigV4) only. */
export async function startFakeS3(): Promise<FakeS3> {
  const objects = new Map<
    string,
    { sha256: string; contentType: string; cacheControl: string; contentDisposition: string; body: Buffer }
  >();
  const calls: string[] = [];
  const faults = new Map<string, { fault: S3Fault; left: number }>();
  const bucket = "media";
  const region = "eu-test-1";
  const accessKeyId = "AKIAFAKE";
  const secretAccessKey = "secret/Fake+Key";

  /** Query-string signature, as in AWS's "Authenticating requests: using query parameters". */
  function authenticate(request: IncomingMessage, address: URL): void {
    const query = address.searchParams;
    const given = query.get("X-Amz-Signature") ?? "";
    const [id, day, ...scope] = (query.get("X-Amz-Credential") ?? "").split("/");
    const date = query.get("X-Amz-Date") ?? "";
    if (id !== accessKeyId) throw new Refused(403, "InvalidAccessKeyId");
    if (scope.join("/") !== `${region}/s3/aws4_request` || !date.startsWith(day ?? "-")) {
      throw new Refused(400, "AuthorizationQueryParametersError");
    }
    const signedAt = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
    if (Date.now() > signedAt + Number(query.get("X-Amz-Expires")) * 1000)
      throw new Refused(403, "AccessDenied");
    const signed = (query.get("X-Amz-SignedHeaders") ?? "").split(";");
    if (!signed.includes("host")) throw new Refused(403, "AccessDenied");
    for (const name of Object.keys(request.headers)) {
      if (name.startsWith("x-amz-") && !signed.includes(name)) throw new Refused(403, "HeadersNotSigned");
    }
    const encode = (text: string) =>
      encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    const canonicalQuery = [...query]
      .filter(([name]) => name !== "X-Amz-Signature")
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join("&");
    const canonical = [
      request.method,
      address.pathname,
      canonicalQuery,
      ...signed.map((name) => `${name}:${String(request.headers[name]).trim()}`),
      "",
      signed.join(";"),
      "UNSIGNED-PAYLOAD",
    ].join("\n");
    const hash = createHash("sha256").update(canonical).digest("hex");
    const toSign = ["AWS4-HMAC-SHA256", date, [day, ...scope].join("/"), hash].join("\n");
    const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
    const signingKey = [day ?? "", ...scope].reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
    if (hmac(signingKey, toSign).toString("hex") !== given) throw new Refused(403, "SignatureDoesNotMatch");
  }

  function nextFault(method: string): S3Fault | null {
    const planned = faults.get(method);
    if (planned === undefined || planned.left === 0) return null;
    planned.left--;
    return planned.fault;
  }

  async function bodyOf(request: IncomingMessage, fault: S3Fault | null): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      if (fault === "close in the body") throw new Closed();
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const method = request.method ?? "";
    const address = new URL(request.url ?? "/", "http://fake");
    const fault = nextFault(method);
    calls.push(method);
    try {
      if (fault === "hang before") return void request.resume();
      const body = await bodyOf(request, fault);
      authenticate(request, address);
      const [, inBucket, key = ""] = address.pathname.split("/");
      if (inBucket !== bucket) throw new Refused(404, "NoSuchBucket");
      const refusal = fault && refusals[fault]?.();
      if (refusal) throw refusal;
      const there = objects.get(key);
      if (method === "PUT") {
        if (request.headers["content-length"] === undefined) throw new Refused(411, "MissingContentLength");
        if (fault === "corrupt") body[0]! ^= 1;
        const sha256 = createHash("sha256").update(body).digest("hex");
        const {
          "content-type": contentType = "",
          "cache-control": cacheControl = "",
          "content-disposition": contentDisposition = "",
        } = request.headers;
        objects.set(key, { sha256, contentType, cacheControl, contentDisposition, body });
      } else if (method === "DELETE") objects.delete(key);
      else if (!there) throw new Refused(404, "NoSuchKey");
      if (fault === "hang after") return;
      if (fault === "close after") throw new Closed();
      response.writeHead(method === "DELETE" ? 204 : 200, {
        "Content-Type": there?.contentType ?? "text/plain",
        ...(there && { ETag: etagOf(there.body, fault) }),
        ...(there && { "Content-Disposition": there.contentDisposition }),
        ...(there && (method === "GET" || method === "HEAD") && { "Content-Length": there.body.length }),
      });
      response.end(method === "GET" ? there?.body : undefined);
    } catch (failure) {
      if (!(failure instanceof Refused)) return void socket.destroy();
      response.writeHead(failure.status, { "Content-Type": "application/xml" });
      const xml = `<?xml version="1.0"?><Error><Code>${failure.code}</Code><HostId>internal-host</HostId></Error>`;
      response.end(method === "HEAD" ? undefined : xml);
    }
  }

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket,
    region,
    accessKeyId,
    secretAccessKey,
    objects,
    calls,
    fail(method, fault, times = Number.POSITIVE_INFINITY) {
      if (fault === null) faults.delete(method);
      else faults.set(method, { fault, left: times });
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
