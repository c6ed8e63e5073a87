import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createApp } from "../../src/app.ts";
import { createAccount } from "../../src/accounts/accounts.ts";
import { validEmailAddress } from "../../src/accounts/email-address.ts";
import { readConfig } from "../../src/config/config.ts";
import type { PasswordHashing, Verification } from "../../src/accounts/password-hashing.ts";
import { createLog } from "../../src/observability/log.ts";
import { createHandler, type Handler } from "../../src/request-handler.ts";
import type { Mailer, MailMessage } from "../../src/mail/mailer.ts";
import { expectDocumented } from "./openapi-check.ts";
import { databaseSettings, onPostgres } from "./postgres.ts";
import { openServices, type Services } from "../../src/services.ts";

type Environment = Record<string, string>;

const defaultPassword = "correct horse battery";
/** As {@link createPasswordHashing} makes it. */
const hashOfDefault =
  "$argon2id$v=19$m=65536,t=1,p=1$BoiTSl5pzLa1uH05q4KAdJQwtbc7LrBCfIm/YP8IVsw$Ec1MX/SR1OumVhPyfG3/ppztNcMhctcz5K51LqiHZUQ";

/** Results of verified passwords by hash and password: a verification has no other inputs, and always the same result. */
const verifications = new Map<string, Verification>();

/** Verifies a password against a hash only the first time. Later, the result neither takes processor time nor waits in the queue. */
function rememberVerifications(hashing: PasswordHashing): PasswordHashing {
  return {
    ...hashing,
    async verify(password, hash, parties) {
      const inputs = JSON.stringify([hash, password]);
      const result = verifications.get(inputs) ?? (await hashing.verify(password, hash, parties));
      verifications.set(inputs, result);
      return result;
    },
  };
}

/** A whole service on a temporary data folder, asked without a socket. */
export class TestService {
  private constructor(
    /** Of the first node. */
    readonly services: Services,
    readonly app: ReturnType<typeof createApp>,
    /** Of the first node. */
    readonly firstHandler: Handler,
    /** Asks the nodes in turns. */
    readonly handler: Handler,
    readonly dataDir: string,
    /** Every line logged so far. */
    readonly logged: string[],
    /** Every mail sent so far. */
    readonly mails: MailMessage[],
    private readonly nodes: readonly Services[],
  ) {}

  /**
   * Starts a service with these settings. Close it after the test. On PostgreSQL these are two nodes, asked in turns:
   * whatever a test does with one holds with the other.
   * @param options `repeatsVerifications`: see {@link rememberVerifications}, which otherwise saves much time
   */
  static async start(
    environment: Environment = {},
    { repeatsVerifications = false } = {},
  ): Promise<TestService> {
    const dataDir = environment["DATA_DIR"] ?? (await mkdtemp(join(tmpdir(), "image-sharing-test-")));
    const logged: string[] = [];
    const database = await databaseSettings(dataDir);
    const config = readConfig({
      RATE_LIMIT: "off",
      UPLOADS_PER_ACCOUNT: "100",
      DATA_DIR: dataDir,
      ...database,
      ...environment,
    });
    const mails: MailMessage[] = [];
    const mailer: Mailer = { send: (mail) => void mails.push(mail), close: async () => {} };
    const log = createLog("debug", (line) => logged.push(line));

    const nodes: Services[] = [];
    for (let count = onPostgres ? 2 : 1; count > 0; count--) {
      const services = await openServices(config, log, () => {});
      const hashing = repeatsVerifications ? services.hashing : rememberVerifications(services.hashing);
      nodes.push({ ...services, hashing, mailer });
    }
    const apps = nodes.map((services) => createApp(services));
    const handlers = apps.map((app, i) => createHandler(app, nodes[i]!));
    let asked = 0;
    const inTurns: Handler = (request) => handlers[asked++ % handlers.length]!(request);
    return new TestService(nodes[0]!, apps[0]!, handlers[0]!, inTurns, dataDir, logged, mails, nodes);
  }

  /**
   * The same service by way of a node where something happens, once, while a request waits: after its password was
   * hashed, or after its file was stored.
   */
  interrupted(after: "hashing" | "storing", event: () => Promise<unknown>): TestService {
    const { services } = this;
    let happened = false;
    const interrupt =
      <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
      async (...args: Args): Promise<Result> => {
        const result = await call(...args);
        if (!happened) {
          happened = true;
          await event();
        }
        return result;
      };
    const { hashing, store } = services;
    const node: Services = {
      ...services,
      ...(after === "hashing"
        ? { hashing: { ...hashing, hash: interrupt(hashing.hash) } }
        : { store: { ...store, put: interrupt(store.put) } }),
    };
    const app = createApp(node);
    const handler = createHandler(app, node);
    return new TestService(node, app, handler, handler, this.dataDir, this.logged, this.mails, this.nodes);
  }

  async close(options: { keepData?: boolean } = {}): Promise<void> {
    for (const node of this.nodes) await node.close();
    if (!options.keepData) await rm(this.dataDir, { recursive: true, force: true });
  }

  /**
   * Sends a request through the whole application. A `json` body is sent as such. Throws when the response is not as the
   * OpenAPI document says.
   */
  async fetch(
    path: string,
    { json, token, ...init }: RequestInit & { json?: unknown; token?: string | undefined } = {},
  ): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    if (json !== undefined) headers.set("content-type", "application/json");
    const request = new Request(`http://localhost${path}`, {
      ...init,
      headers,
      ...(json === undefined ? {} : { method: init.method ?? "POST", body: JSON.stringify(json) }),
    });
    const response = await this.handler(request);
    await expectDocumented(this.app, request, response);
    return response;
  }

  register(email: string, password = defaultPassword): Promise<Response> {
    return this.fetch("/auth/register", { json: { email, password } });
  }

  login(username: string, password = defaultPassword): Promise<Response> {
    return this.fetch("/auth/jwt/login", {
      method: "POST",
      body: new URLSearchParams({ username, password }),
    });
  }

  /** A fresh account and an access token for it, without the cost of hashing its password twice. */
  async signUp(
    email = `${crypto.randomUUID()}@example.com`,
  ): Promise<{ id: string; email: string; token: string }> {
    const { hashing, tokens } = this.services;
    const services = { ...this.services, hashing: { ...hashing, hash: async () => hashOfDefault } };
    const registration = { email: validEmailAddress(email), password: defaultPassword, name: null };
    const user = await createAccount(services, registration, []);
    return { id: user.id, email, token: await tokens.issueAccess(user) };
  }

  /** Begins a session and returns its token. */
  async beginSession(username: string, password?: string, headers: HeadersInit = {}): Promise<string> {
    const body = new URLSearchParams({ username, password: password ?? "correct horse battery" });
    const answer = await this.fetch("/auth/session/login", { method: "POST", body, headers });
    return ((await answer.json()) as { access_token: string }).access_token;
  }

  /** Waits for what runs after the responses. */
  async drain(): Promise<void> {
    for (const node of this.nodes) await node.background.drain();
  }

  /** The token in the latest mail to this address; waits for what runs after the answer. */
  async mailedToken(to: string): Promise<string | undefined> {
    await this.drain();
    const mail = this.mails.findLast((sent) => sent.to === to);
    return mail && /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(mail.text)?.[0];
  }

  /** Makes a superuser of this account. */
  async promote(user: { id: string; email: string }): Promise<void> {
    await this.services.database.users.change("operator", user, { isSuperuser: true });
  }

  /** Uploads these bytes as a file part. */
  upload(
    token: string,
    file: Blob,
    caption?: string,
    name = "photo.png",
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const form = new FormData();
    form.set("file", file, name);
    if (caption !== undefined) form.set("caption", caption);
    return this.fetch("/upload", { method: "POST", body: form, token, headers });
  }

  /** Names of the temp files of uploads: none once every answer is sent. */
  tempFiles(): Promise<string[]> {
    return readdir(this.services.tempDir);
  }

  /** Names of the stored media files. */
  async mediaFiles(): Promise<string[]> {
    const entries = await readdir(join(this.dataDir, "media"), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  }
}
