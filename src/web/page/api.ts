import type { Static } from "@sinclair/typebox";

import type { invitationPageSchema, InvitationRead } from "../../accounts/invitation-read.ts";
import type {
  authorizationSchema,
  providerLogoutSchema,
  signInMethodsSchema,
} from "../../accounts/oidc/schemas.ts";
import type { sessionsSchema } from "../../accounts/session-read.ts";
import type { userPageSchema } from "../../accounts/user-read.ts";
import type { PostRead } from "../../posts/post-read.ts";
import type { FeedPageRead, ReportPageRead } from "../../posts/schemas.ts";
import { Failure } from "./failures.ts";
import { serviceUrl } from "./service-url.ts";
import { session, type Account } from "./session.ts";

// Types of the service itself. Type imports add nothing to the bundle.
export type Post = PostRead;
type UserPage = Static<typeof userPageSchema>;
export type ListedUser = UserPage["users"][number];
export type SignedInDevice = Static<typeof sessionsSchema>[number];
export type SignInMethods = Static<typeof signInMethodsSchema>;
export type Identity = SignInMethods["identities"][number];
export type Invitation = InvitationRead;
export type Report = ReportPageRead["reports"][number];

/**
 * Sends a request with the session's cookie.
 * @param body form fields, or an object to send as JSON
 * @returns the parsed JSON of the response
 * @throws Failure for every other response, and without one
 */
export async function call<T>(
  method: string,
  route: string,
  body?: object | URLSearchParams,
  headers: Record<string, string> = {},
): Promise<T> {
  const { generation } = session;
  const form = body instanceof URLSearchParams;
  let response: Response;
  let text: string;
  try {
    response = await fetch(serviceUrl(route), {
      method,
      credentials: "same-origin",
      headers: { ...(body && !form && { "content-type": "application/json" }), ...headers },
      ...(body && { body: form ? body : JSON.stringify(body) }),
    });
    text = await response.text();
  } catch {
    throw new Failure(0);
  }
  const json = text === "" ? undefined : parse(text);
  // A successful response without JSON comes from something in between, such as a captive portal.
  if (response.ok && (text === "" || json !== undefined)) return json as T;
  if (response.status === 401) session.expire(generation);
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

/** Changes of the signed-in account; a new address or password takes the current password. */
export interface AccountChanges {
  name?: string | null;
  email?: string;
  password?: string;
  current_password?: string;
}

const query = (values: Record<string, string | number | null | undefined>) =>
  new URLSearchParams(
    Object.entries(values).flatMap(([name, value]) => (value == null ? [] : [[name, String(value)]])),
  );

/** What superusers can change of an account. */
export type UserFlags = Partial<Pick<Account, "is_active" | "is_superuser">>;

/** The routes of the API that the page uses. */
export const api = {
  register: (account: {
    name: string | null;
    email: string;
    password: string;
    invitation: string | undefined;
  }) => call<Account>("POST", "/auth/register", account),
  login: (username: string, password: string) =>
    call<void>("POST", "/auth/cookie/login", new URLSearchParams({ username, password })),
  logout: () => call<void>("POST", "/auth/cookie/logout"),
  beginProviderSignIn: (parameters: { return_to: string | null; invitation: string | undefined }) =>
    call<Static<typeof authorizationSchema>>("GET", `/auth/oidc/authorize?${query(parameters)}`),
  providerLogout: () => call<Static<typeof providerLogoutSchema>>("GET", "/auth/oidc/logout"),
  beginLink: (password?: string) =>
    call<Static<typeof authorizationSchema>>("POST", "/auth/associate/oidc/authorize", { password }),
  signInMethods: () => call<SignInMethods>("GET", "/users/me/identities"),
  unlink: (id: string) => call<void>("DELETE", `/users/me/identities/${id}`),
  forgotPassword: (email: string) => call<null>("POST", "/auth/forgot-password", { email }),
  resetPassword: (token: string, password: string) =>
    call<null>("POST", "/auth/reset-password", { token, password }),
  requestVerify: (email: string) => call<null>("POST", "/auth/request-verify-token", { email }),
  verify: (token: string) => call<Account>("POST", "/auth/verify", { token }),
  me: () => call<Account>("GET", "/users/me"),
  meWithUsage: () => call<Account>("GET", "/users/me?include=usage"),
  change: (changes: AccountChanges) => call<Account>("PATCH", "/users/me", changes),
  feed: (cursor: string | null, author?: string) =>
    call<FeedPageRead>("GET", `/feed?${query({ limit: 24, cursor, author })}`),
  post: (id: string) => call<Post>("GET", `/posts/${encodeURIComponent(id)}`),
  editPost: (id: string, changes: { caption?: string; alt?: string }) =>
    call<Post>("PATCH", `/posts/${id}`, changes),
  deletePost: (id: string) => call<void>("DELETE", `/posts/${id}`),
  reportPost: (id: string, reason: string) => call<void>("POST", `/posts/${id}/reports`, { reason }),
  devices: () => call<SignedInDevice[]>("GET", "/users/me/sessions"),
  endSession: (id: string) => call<void>("DELETE", `/users/me/sessions/${id}`),
  endOtherSessions: () => call<void>("DELETE", "/users/me/sessions"),
  deleteAccount: (password?: string) => call<void>("DELETE", "/users/me", { password }),
  users: (search: string, cursor: string | null, limit: number) =>
    call<UserPage>("GET", `/users?${query({ search, cursor, limit })}`),
  user: (id: string) => call<Account>("GET", `/users/${encodeURIComponent(id)}`),
  changeUser: (id: string, flags: UserFlags) => call<Account>("PATCH", `/users/${id}`, flags),
  deleteUser: (id: string) => call<void>("DELETE", `/users/${id}`),
  reports: (cursor: string | null) => call<ReportPageRead>("GET", `/reports?${query({ limit: 20, cursor })}`),
  dismissReport: (id: string) => call<void>("DELETE", `/reports/${id}`),
  invitations: (cursor: string | null) =>
    call<Static<typeof invitationPageSchema>>("GET", `/invitations?${query({ limit: 20, cursor })}`),
  invite: (invitation: { email: string | null; uses: number; expires_in_days: number }) =>
    call<Invitation>("POST", "/invitations", invitation),
  withdraw: (id: string) => call<void>("DELETE", `/invitations/${id}`),
  health: () => call<{ status: string }>("GET", "/health"),
  description: () => call<{ info: { version: string } }>("GET", "/openapi.json"),
};
