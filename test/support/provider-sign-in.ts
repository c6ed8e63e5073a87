import { afterAll, beforeAll } from "bun:test";

import { TestProvider } from "./oidc-provider.ts";
import { TestService } from "./service.ts";

/** The address of the services in these tests. It has a path, which the requests leave out, as behind a proxy. */
export const publicUrl = "https://photos.example.com/family";

export const callbacks = [`${publicUrl}/auth/oidc/callback`, `${publicUrl}/auth/associate/oidc/callback`];

/**
 * Starts a provider and a service that uses it before the tests of a file or block, and stops them afterwards.
 * @param use receives them
 * @param settings further settings of the service
 */
export function serviceWithProvider(
  use: (started: { provider: TestProvider; service: TestService }) => void,
  settings: Record<string, string> = {},
): void {
  let provider: TestProvider | undefined;
  let service: TestService | undefined;
  beforeAll(async () => {
    provider = await TestProvider.start(callbacks);
    service = await startServiceFor(provider, settings);
    use({ provider, service });
  });
  afterAll(async () => {
    await service?.close();
    await provider?.stop();
  });
}

/** Starts a service that uses a provider. */
export const startServiceFor = (
  provider: TestProvider,
  settings: Record<string, string> = {},
): Promise<TestService> => TestService.start({ ...provider.settings, PUBLIC_URL: publicUrl, ...settings });

/** What a browser that opens an address accepts. */
export const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

/** A sign-in that has begun. */
export interface Begun {
  readonly url: string;
  readonly cookie: string;
}

/** The `Cookie` header that a client sends after a response. */
export const cookiesOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((header) => header.split(";", 1)[0])
    .join("; ");

/** Begins a sign-in, or a linking with the token of a signed-in user. */
export async function begin(
  service: TestService,
  { token, query = "" }: { token?: string; query?: string } = {},
): Promise<Begun> {
  const path = token === undefined ? "/auth/oidc/authorize" : "/auth/associate/oidc/authorize";
  const response = await service.fetch(`${path}${query}`, { token });
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  const { authorization_url } = (await response.json()) as { authorization_url: string };
  return { url: authorization_url, cookie: cookiesOf(response) };
}

/** Sends the callback of a flow. @param callback as the provider made it */
export const complete = (
  service: TestService,
  callback: string,
  { cookie }: Pick<Begun, "cookie">,
  { headers = {}, token }: { headers?: Record<string, string>; token?: string } = {},
): Promise<Response> =>
  service.fetch(callback.replace(publicUrl, ""), { headers: { cookie, ...headers }, token });

/** A whole sign-in as the provider's user. */
export async function signIn(
  service: TestService,
  provider: TestProvider,
  { query, headers }: { query?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  const begun = await begin(service, query === undefined ? {} : { query });
  return complete(service, await provider.signIn(begun.url), begun, headers ? { headers } : {});
}

/** A whole linking of the provider's user to the account of this token. */
export async function link(service: TestService, provider: TestProvider, token: string): Promise<Response> {
  const begun = await begin(service, { token });
  return complete(service, await provider.signIn(begun.url), begun, { token });
}

/** The token of the session that a sign-in began. */
export const tokenOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { access_token: string }).access_token;

/** Status and detail of an error. */
export const errorOf = async (response: Response): Promise<[number, unknown]> => [
  response.status,
  ((await response.json()) as { detail: unknown }).detail,
];
