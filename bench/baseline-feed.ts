// The minimum cost of `GET /feed` and `GET /users/me`: does the work of the service (token, revocation check,
// all fields of a post, cursor, Link) with Bun.serve and bun:sqlite or Bun.SQL, without framework or query builder.
// bun bench/baseline-feed.ts PORT DATABASE SECRET, where DATABASE is a SQLite file or postgres://…
import { Database } from "bun:sqlite";

import { SQL } from "bun";

import { jwtVerify } from "jose";

const [port = "0", path = "", secret = ""] = process.argv.slice(2);
const key = new TextEncoder().encode(secret);
const publicUrl = `http://localhost:${port}`;

interface Viewer {
  id: string;
  email: string;
  is_active: boolean | number;
  is_superuser: boolean | number;
  is_verified: boolean | number;
}
interface Row {
  id: string;
  user_id: string;
  name: string | null;
  email: string;
  caption: string;
  alt: string;
  url: string;
  thumbnail_url: string | null;
  display_url: string | null;
  placeholder: string | null;
  processing: boolean | number;
  duration_seconds: number | null;
  file_type: string;
  file_name: string;
  content_type: string;
  bytes: number;
  width: number;
  height: number;
  created_at: number | Date;
  edited_at: number | Date | null;
}
const viewerText = `select id, email, is_active, is_superuser, is_verified from users
  where id = $1 and is_active and min_access_version <= $2 and not exists (select 1 from revoked_tokens where token_id = $3)`;
// A cross join makes SQLite read the posts first.
const pageText = `select p.id, u.id as user_id, u.name, u.email, p.caption, p.alt, p.url, p.thumbnail_url, p.display_url, p.placeholder, p.processing,
    p.duration_seconds, p.file_type, p.file_name, p.content_type, p.bytes, p.width, p.height, p.created_at, p.edited_at
  from posts p cross join users u
  where u.id = p.user_id and u.is_active and p.state = 'published' and (p.created_at, p.id) < ($1, $2) order by p.created_at desc, p.id desc limit $3`;

const { findViewer, readPage } = path.startsWith("postgres:") ? onPostgres() : onSqlite();

function onSqlite() {
  const db = new Database(path);
  db.run("pragma journal_mode = wal");
  const viewer = db.query<Viewer, [string, number, string]>(viewerText.replaceAll("$", "?"));
  const page = db.query<Row, [number, string, number]>(pageText.replaceAll("$", "?"));
  return {
    findViewer: (id: string, version: number, tokenId: string) => viewer.get(id, version, tokenId),
    readPage: (time: number, id: string, limit: number) => page.all(time, id, limit),
  };
}

function onPostgres() {
  const sql = new SQL(path, { max: 10 });
  return {
    findViewer: (id: string, version: number, tokenId: string): Promise<Viewer | null> =>
      sql.unsafe(viewerText, [id, version, tokenId]).then((rows: Viewer[]) => rows[0] ?? null),
    readPage: (time: number, id: string, limit: number): Promise<Row[]> =>
      sql.unsafe(pageText, [new Date(time), id, limit]),
  };
}

const verified = new Map<string, { sub: string; jti: string; version: number; exp: number }>();
async function identify(request: Request) {
  const token = request.headers.get("authorization")?.slice(7) ?? "";
  let claims = verified.get(token);
  if (!claims) {
    const { payload } = await jwtVerify(token, key, {
      audience: "fastapi-users:auth",
      algorithms: ["HS256"],
    });
    claims = {
      sub: payload.sub!,
      jti: payload.jti!,
      version: Number(payload["token_version"]),
      exp: payload.exp!,
    };
    verified.set(token, claims);
  }
  if (claims.exp * 1000 < Date.now()) return null;
  return findViewer(claims.sub, claims.version, claims.jti);
}
const unauthorized = () => Response.json({ detail: "Unauthorized" }, { status: 401 });
const absolute = (url: string) => (url.startsWith("/") ? publicUrl + url : url);

Bun.serve({
  port: Number(port),
  development: false,
  routes: {
    "/users/me": async (request) => {
      const user = await identify(request);
      if (!user) return unauthorized();
      const { id, email } = user;
      return Response.json({
        id,
        email,
        is_active: !!user.is_active,
        is_superuser: !!user.is_superuser,
        is_verified: !!user.is_verified,
      });
    },
    "/feed": async (request) => {
      const user = await identify(request);
      if (!user) return unauthorized();
      const { searchParams } = new URL(request.url);
      const limit = Number(searchParams.get("limit") ?? 50);
      const cursor = searchParams.get("cursor");
      const [time = "253370764800000", id = "~"] = cursor
        ? Buffer.from(cursor, "base64url").toString().split(".")
        : [];
      const rows = await readPage(Number(time), id, limit + 1);
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      if (last) rows.length = limit;
      const next = last ? Buffer.from(`${Number(last.created_at)}.${last.id}`).toString("base64url") : null;
      const posts = rows.map((row) => ({
        id: row.id,
        user_id: row.user_id,
        author: { id: row.user_id, name: row.name },
        caption: row.caption,
        alt: row.alt,
        url: absolute(row.url),
        file_type: row.file_type,
        file_name: row.file_name,
        created_at: new Date(row.created_at).toISOString(),
        edited_at: row.edited_at && new Date(row.edited_at).toISOString(),
        is_owner: row.user_id === user.id,
        email: row.user_id === user.id || user.is_superuser ? row.email : "Unknown",
        width: row.width,
        height: row.height,
        content_type: row.content_type,
        bytes: Number(row.bytes),
        thumbnail_url: row.thumbnail_url && absolute(row.thumbnail_url),
        display_url: absolute(row.display_url ?? row.url),
        placeholder: row.placeholder,
        duration_seconds: row.duration_seconds,
        processing: !!row.processing,
      }));
      return Response.json(
        { posts, next_cursor: next },
        next ? { headers: { link: `<${publicUrl}/feed?limit=${limit}&cursor=${next}>; rel="next"` } } : {},
      );
    },
  },
});
