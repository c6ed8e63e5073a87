import { head } from "./raw-http.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Who asks, and with what: the marker stands in everything that is sent, so that an echo shows. */
export interface Asker {
  readonly random: SeededRandom;
  readonly marker: string;
  readonly token: string;
  /** Of an account that may be changed, and so lose its tokens. */
  readonly victim: string;
  /** A small picture. */
  readonly photo: Uint8Array;
  /** The path of an unfinished resumable upload of the picture. */
  readonly unfinished: string;
}

/** The bytes of one request, after which the connection ends. */
type OddRequest = (asker: Asker) => Uint8Array;

const jsonRoutes = [
  ["POST", "/auth/register"],
  ["POST", "/auth/forgot-password"],
  ["POST", "/auth/reset-password"],
  ["POST", "/auth/request-verify-token"],
  ["POST", "/auth/verify"],
  ["PATCH", "/users/me"],
  ["PATCH", "/users/b7e0a8a4-2f0c-4b39-9b0d-0d1a36a0a3a1"],
] as const;
const paths = [
  "/users/me",
  "/users/{}",
  "/feed?limit={}&cursor={}",
  "/feed?cursor={}",
  "/posts/{}",
  "/media/{}",
  "/media/{}.thumb.webp",
  "/media/tr:{}/{}",
  "/openapi.json?{}",
  "/docs/{}",
  "/assets/{}",
  "/auth/jwt/{}",
  "/{}",
];
const methods = ["GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"];

/** Texts that some reader somewhere stumbles over. */
const nasty = [
  "",
  "\0",
  "%00",
  "%",
  "%zz",
  "%c3%28",
  "%0a2",
  "%0d%0aSet-Cookie:%20a=b",
  "%e2%80%832",
  "%u0041",
  "..",
  "../../etc/passwd",
  "..%2f..%2fetc%2fpasswd",
  "%2e%2e/",
  "a//b",
  ";a=b",
  "'\"<script>",
  "{{7*7}}${7*7}",
  "' or 1=1--",
  "\u202etxt.exe",
  "é",
  "🌲",
  "\ud800",
  "9".repeat(40),
  "-1",
  "1e9",
  "0x10",
  "NaN",
  "null",
  "true",
  "[]",
  "a".repeat(3000),
];

const text = ({ random, marker }: Asker): string =>
  random.chance(0.5) ? `${random.pick(nasty)}${marker}` : `${marker}${random.pick(nasty)}`;

function value(asker: Asker, depth = 0): unknown {
  const { random } = asker;
  const nested = depth < 4 ? () => value(asker, depth + 1) : () => null;
  return random.pick<() => unknown>([
    () => text(asker),
    () => `${asker.marker}@example.com`,
    () => null,
    () => random.chance(0.5),
    () => random.integer(10 ** 9) - 5 * 10 ** 8,
    () => 1e308,
    () => [nested(), nested()],
    () => ({ [text(asker)]: nested(), ["__proto__"]: nested() }),
  ])();
}

/** Flips, cuts, doubles or puts in a few bytes. */
function mutated({ random }: Asker, bytes: Uint8Array): Uint8Array {
  let result: Buffer = Buffer.from(bytes);
  for (let times = 1 + random.integer(3); times > 0; times--) {
    const at = random.integer(result.length + 1);
    const rest = result.subarray(at);
    const put = random.pick([[0], [255], [13, 10], [45, 45, 66], [34], [123, 91], []]);
    result = random.pick<() => Buffer>([
      () => Buffer.concat([result.subarray(0, at), Buffer.from(put), rest]),
      () => Buffer.concat([result.subarray(0, at), Buffer.from(put), rest.subarray(put.length)]),
      () => result.subarray(0, at),
      () => Buffer.concat([result.subarray(0, at), rest.subarray(0, 20), rest]),
    ])();
  }
  return result;
}

/** What a header may hold without ending the head: anything else is another test's. */
const inHeader = (asker: Asker) => text(asker).replace(/[\r\n\0]/g, " ");

function request(
  asker: Asker,
  method: string,
  path: string,
  headers: string[],
  body: Uint8Array,
): Uint8Array {
  const { random, token } = asker;
  const authorization = random.chance(0.8) ? `Bearer ${token}` : `Bearer ${inHeader(asker)}`;
  const odd = random.pick([
    "Range",
    "If-None-Match",
    "Accept-Encoding",
    "Origin",
    "Idempotency-Key",
    "Referer",
    "X-Forwarded-For",
    "Cookie",
  ]);
  const line = head(
    `${method} ${path} HTTP/1.1`,
    "Host: localhost",
    "Connection: close",
    `Authorization: ${authorization}`,
    `${odd}: ${inHeader(asker)}`,
    `Content-Length: ${body.length}`,
    ...headers,
  );
  return Buffer.concat([Buffer.from(line, "utf8"), body]);
}

const typed = (asker: Asker, type: string) =>
  `Content-Type: ${asker.random.chance(0.9) ? type : inHeader(asker)}`;

const json: OddRequest = (asker) => {
  const { random } = asker;
  const [method, path] = random.pick(jsonRoutes);
  const fields = ["email", "password", "token", "is_active", "is_superuser", "is_verified"];
  const body = random.chance(0.8)
    ? Object.fromEntries(fields.filter(() => random.chance(0.6)).map((name) => [name, value(asker)]))
    : value(asker);
  const bytes = Buffer.from(JSON.stringify(body));
  const sent = random.chance(0.3) ? mutated(asker, bytes) : bytes;
  const changed = { ...asker, token: asker.victim };
  return request(changed, method, path, [typed(asker, "application/json")], sent);
};

const form: OddRequest = (asker) => {
  const { random } = asker;
  const fields = ["username", "password", "grant_type", "scope", "username"];
  const pairs = fields.filter(() => random.chance(0.7)).map((name) => `${name}=${text(asker)}`);
  const body = Buffer.from(pairs.join(random.pick(["&", "&&", ";"])));
  return request(asker, "POST", "/auth/jwt/login", [typed(asker, "application/x-www-form-urlencoded")], body);
};

const path: OddRequest = (asker) => {
  const { random } = asker;
  const clean = text(asker).replace(/[\s\0]/g, "%20");
  const filled = random
    .pick(paths)
    .replaceAll("{}", random.chance(0.5) ? encodeURI(clean.toWellFormed()) : clean);
  return request(asker, random.pick(methods), filled, [], Buffer.alloc(0));
};

const partHead = (disposition: string, type = "") =>
  `--B\r\nContent-Disposition: form-data; ${disposition}\r\n${type}\r\n`;

/** A part that nobody asked for, of any kind and size. */
function extraPart(asker: Asker): Buffer {
  const { random } = asker;
  const name = inHeader(asker);
  const start = random.pick([
    () => partHead(`name="${name}"`),
    () => partHead(`name="file"; filename="${name}"`),
    () => partHead(`name="caption"; filename*=UTF-8''${name}`),
    () => partHead("", `Content-Type: ${name}\r\n`),
    () => "--B\r\nContent-Type: text/plain\r\n\r\n",
    () => `--B\r\nContent-Disposition: ${name}\r\n\r\n`,
    () => "--B\r\n\r\n",
  ])();
  const size = random.pick([0, 1, 1000, 70_000, 300_000]);
  return Buffer.from(`${start}${random.pick(["x", "\r\n-", "\0"]).repeat(size).slice(0, size)}\r\n`);
}

/** A good upload, with names of its own. */
function upload({ marker, photo }: Asker): Buffer {
  return Buffer.concat([
    Buffer.from(`${partHead('name="caption"')}${marker}\r\n`),
    Buffer.from(partHead(`name="file"; filename="${marker}.png"`, "Content-Type: image/png\r\n")),
    photo,
    Buffer.from("\r\n--B--\r\n"),
  ]);
}

const multipart: OddRequest = (asker) => {
  const { random } = asker;
  const whole = upload(asker);
  const body = random.pick([
    () => whole.subarray(0, random.integer(whole.length)),
    () => mutated(asker, whole),
    () => Buffer.concat([extraPart(asker), whole]),
    () => Buffer.concat([whole.subarray(0, -7), Buffer.from("\r\n"), extraPart(asker), Buffer.from("--B--")]),
  ])();
  return request(asker, "POST", "/upload", [typed(asker, "multipart/form-data; boundary=B")], body);
};

/** Values of the headers of tus that are right, at the limit, or wrong. */
const tusHeaders: Readonly<Record<string, readonly string[]>> = {
  "Tus-Resumable": ["1.0.0", "1.0.0", "1.0.0", "1.0.0", "0.2.2", ""],
  "Content-Type": ["application/offset+octet-stream", "application/offset+octet-stream", "text/plain"],
  "Upload-Length": [
    "0",
    "1",
    "100",
    "-1",
    "1.5",
    "9007199254740991",
    "9007199254740992",
    "99999999999999999999",
  ],
  "Upload-Offset": ["0", "0", "1", "10", "-1", "1e3", "9007199254740992"],
  "Upload-Metadata": [
    "filename YS5wbmc=",
    "filename",
    "caption /w==",
    "caption Zm9v,caption Zm9v",
    ",",
    "a b c",
    "==",
  ],
  "Upload-Checksum": ["sha1", "sha1 AAAA", "md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha256 "],
  "Upload-Defer-Length": ["1"],
  "Upload-Concat": ["partial"],
  "X-HTTP-Method-Override": ["HEAD", "PATCH", "DELETE", "TRACE", "patch", "GET, PATCH"],
};

const resumable: OddRequest = (asker) => {
  const { random, photo, unfinished } = asker;
  const always = ["Tus-Resumable", "Content-Type", "Upload-Length", "Upload-Offset"];
  const headers = Object.entries(tusHeaders).flatMap(([name, values]) => {
    if (!random.chance(always.includes(name) ? 0.9 : 0.2)) return [];
    const isPhoto = name === "Upload-Length" && random.chance(0.5);
    const value = isPhoto ? String(photo.length) : random.chance(0.1) ? inHeader(asker) : random.pick(values);
    return [`${name}: ${value}`];
  });
  const target = random.pick([
    "/uploads",
    "/uploads",
    unfinished,
    unfinished,
    `/uploads/${crypto.randomUUID()}`,
  ]);
  const method = random.pick(["POST", "POST", "PATCH", "PATCH", "HEAD", "DELETE", "OPTIONS"]);
  const bytes = random.pick([photo, photo.subarray(0, 10), photo.subarray(10), mutated(asker, photo)]);
  const body = method === "POST" || method === "PATCH" ? bytes : Buffer.alloc(0);
  return request(asker, method, target, headers, body);
};

/** One odd request of any kind. */
export const oddRequest: OddRequest = (asker) =>
  asker.random.pick([json, form, path, multipart, resumable])(asker);

/** A good upload cut behind every so many bytes. */
export function* cutUploads(asker: Asker, step: number): Generator<Uint8Array> {
  const whole = upload(asker);
  // Without its last line break it is whole, too.
  for (let end = 0; end < whole.length - 2; end += step)
    yield request(
      asker,
      "POST",
      "/upload",
      ["Content-Type: multipart/form-data; boundary=B"],
      whole.subarray(0, end),
    );
}
