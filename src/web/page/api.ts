import type { PostRead } from "../../posts/post-read.ts";
import type { FeedPageRead } from "../../posts/schemas.ts";
import type { UserRead } from "../../users/user-read.ts";
import { Failure } from "./failures.ts";
import { serviceUrl } from "./service-url.ts";
import { token, expireSession } from "./session.ts";

// The types of the service itself: such imports leave nothing in the bundle.
export type Account = UserRead;
export type Post = PostRead;

async function ask<T>(method: string, route: string, body?: object | URLSearchParams): Promise<T> {
  const used = token();
  const headers = new Headers();
  if (used) headers.set("authorization", `Bearer ${used}`);
  const form = body instanceof URLSearchParams;
  if (body && !form) headers.set("content-type", "application/json");
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(serviceUrl(route), {
      method,
      headers,
      ...(body && { body: form ? body : JSON.stringify(body) }),
    });
    text = await answer.text();
  } catch {
    throw new Failure(0);
  }
  const json = text === "" ? undefined : parse(text);
  // A success without JSON was sent by something in between, such as a captive portal.
  if (answer.ok && (text === "" || json !== undefined)) return json as T;
  // Only where there was a session: a wrong password ends none.
  if (answer.status === 401) expireSession(used);
  throw new Failure(answer.status, json?.detail, answer.headers.get("retry-after"));
}

/** Returns undefined for anything but JSON, such as a proxy's error page. */
function parse(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const api = {
  register: (email: string, password: string) => ask<Account>("POST", "/auth/register", { email, password }),
  login: (username: string, password: string) =>
    ask<{ access_token: string }>("POST", "/auth/jwt/login", new URLSearchParams({ username, password })),
  logout: () => ask<void>("POST", "/auth/jwt/logout"),
  forgotPassword: (email: string) => ask<null>("POST", "/auth/forgot-password", { email }),
  resetPassword: (resetToken: string, password: string) =>
    ask<null>("POST", "/auth/reset-password", { token: resetToken, password }),
  requestVerify: (email: string) => ask<null>("POST", "/auth/request-verify-token", { email }),
  verify: (verifyToken: string) => ask<Account>("POST", "/auth/verify", { token: verifyToken }),
  me: () => ask<Account>("GET", "/users/me"),
  change: (changes: { email?: string; password?: string }) => ask<Account>("PATCH", "/users/me", changes),
  feed: (cursor: string | null) =>
    ask<FeedPageRead>("GET", `/feed?limit=24${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`),
  deletePost: (id: string) => ask<void>("DELETE", `/posts/${id}`),
};
