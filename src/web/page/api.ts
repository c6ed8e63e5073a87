import type { PostRead } from "../../posts/post-read.ts";
import type { FeedPageRead } from "../../posts/schemas.ts";
import type { UserRead } from "../../accounts/user-read.ts";
import { Failure } from "./failures.ts";
import { serviceUrl } from "./service-url.ts";
import { token, expireSession } from "./session.ts";

// The types of the service itself: such imports leave nothing in the bundle.
export type Account = UserRead;
export type Post = PostRead;

async function call<T>(method: string, route: string, body?: object | URLSearchParams): Promise<T> {
  const used = token();
  const headers = new Headers();
  if (used) headers.set("authorization", `Bearer ${used}`);
  const form = body instanceof URLSearchParams;
  if (body && !form) headers.set("content-type", "application/json");
  let response: Response;
  let text: string;
  try {
    response = await fetch(serviceUrl(route), {
      method,
      headers,
      ...(body && { body: form ? body : JSON.stringify(body) }),
    });
    text = await response.text();
  } catch {
    throw new Failure(0);
  }
  const json = text === "" ? undefined : parse(text);
  // A successful response without JSON came from something in between, such as a captive portal.
  if (response.ok && (text === "" || json !== undefined)) return json as T;
  if (response.status === 401) expireSession(used);
  throw new Failure(response.status, json?.detail, response.headers.get("retry-after"));
}

/** Returns undefined for text that is not JSON, such as a proxy's error page. */
function parse(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const api = {
  register: (account: {
    name: string | null;
    email: string;
    password: string;
    invitation: string | undefined;
  }) => call<Account>("POST", "/auth/register", account),
  login: (username: string, password: string) =>
    call<{ access_token: string }>("POST", "/auth/jwt/login", new URLSearchParams({ username, password })),
  logout: () => call<void>("POST", "/auth/jwt/logout"),
  forgotPassword: (email: string) => call<null>("POST", "/auth/forgot-password", { email }),
  resetPassword: (resetToken: string, password: string) =>
    call<null>("POST", "/auth/reset-password", { token: resetToken, password }),
  requestVerify: (email: string) => call<null>("POST", "/auth/request-verify-token", { email }),
  verify: (verifyToken: string) => call<Account>("POST", "/auth/verify", { token: verifyToken }),
  me: () => call<Account>("GET", "/users/me"),
  change: (changes: { name?: string | null; email?: string; password?: string }) =>
    call<Account>("PATCH", "/users/me", changes),
  feed: (cursor: string | null) =>
    call<FeedPageRead>("GET", `/feed?limit=24${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`),
  post: (id: string) => call<Post>("GET", `/posts/${id}`),
  deletePost: (id: string) => call<void>("DELETE", `/posts/${id}`),
};
