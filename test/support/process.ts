import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import { databaseSettings } from "./postgres.ts";
import { until } from "./until.ts";

/** How `bun start` starts the program. */
export const sourceCommand = [process.execPath, "--no-env-file", join(import.meta.dir, "../../src/main.ts")];

/**
 * How tests start the program: the executable that TEST_EXECUTABLE names, which `bun run test` builds, or without one
 * the source.
 */
const executable = process.env["TEST_EXECUTABLE"];
export const command = executable ? [resolve(executable)] : sourceCommand;

/**
 * The first line that a service prints, once it listens.
 * @throws Error when the service ends before
 */
async function greetingOf(service: Bun.Subprocess<any, "pipe", any>): Promise<string> {
  const decoder = new TextDecoder();
  const reader = service.stdout.getReader();
  for (let printed = ""; ;) {
    const { value, done } = await reader.read();
    printed += decoder.decode(value, { stream: true });
    if (printed.includes("\n")) return printed.split("\n")[0]!;
    if (done) throw new Error(`the service did not start (exit code ${await service.exited})`);
  }
}

const addressIn = (greeting: string) => /listens on (http:\/\/[^\s,]+)/.exec(greeting)![1]!;

/** The address that a service prints once it listens. */
export const listeningAddress = async (service: Bun.Subprocess<any, "pipe", any>) =>
  addressIn(await greetingOf(service));

/** Of every account that {@link ServiceProcess.signUp} makes. */
const password = "correct horse battery";

/** A service in a process of its own, on a port that the kernel gives, that can be killed as by a power cut. */
export class ServiceProcess {
  #process: Bun.Subprocess | undefined;
  #greeting: string | undefined;

  constructor(
    readonly dataDir: string,
    readonly environment: Record<string, string> = {},
    /** `log`: the file its log goes to, otherwise this process's own; `program`: how it is started. */
    private readonly options: { readonly log?: string; readonly program?: string[] } = {},
  ) {}

  /** The first line that it printed when it was last started: the addresses at which it listens. */
  get greeting(): string {
    if (this.#greeting === undefined) throw new Error("the service was not started");
    return this.#greeting;
  }

  get address(): string {
    return addressIn(this.greeting);
  }

  get port(): string {
    return new URL(this.address).port;
  }

  /** Starts the process and waits until it answers. When started again, it has the same port as before. */
  async start(): Promise<void> {
    await mkdir(this.dataDir, { recursive: true });
    const { log, program = command } = this.options;
    const service = Bun.spawn(program, {
      env: {
        PATH: process.env["PATH"],
        HOST: "127.0.0.1",
        PORT: this.#greeting === undefined ? "0" : this.port,
        DATA_DIR: this.dataDir,
        RATE_LIMIT: "off",
        UPLOADS_PER_ACCOUNT: "100",
        LOG_LEVEL: "error",
        // A service that finds ffmpeg asks it what it can do, which takes as long as the rest of its start.
        FFMPEG: "off",
        ...(await databaseSettings(this.dataDir)),
        ...this.environment,
      },
      cwd: this.dataDir,
      stdout: "pipe",
      stderr: log === undefined ? "inherit" : Bun.file(log),
    });
    this.#process = service;
    this.#greeting = await greetingOf(service);
    await until(async () => (await this.fetch("/health")).ok);
  }

  /** Ends it without a chance to clean up. */
  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  /** Asks it to end; gives its exit code. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | undefined> {
    this.#process?.kill(signal);
    return this.#process?.exited;
  }

  /** Asks it something, as the bearer of this token. */
  fetch(path: string, { token, ...init }: RequestInit & { token?: string } = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    return fetch(`${this.address}${path}`, { ...init, headers });
  }

  upload(token: string, photo: Blob, headers: Record<string, string> = {}): Promise<Response> {
    const form = new FormData();
    form.set("file", photo, "photo.png");
    return this.fetch("/upload", { method: "POST", body: form, token, headers });
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** A fresh account's token. */
  async signUp(email: string): Promise<string> {
    const headers = { "content-type": "application/json" };
    await fetch(`${this.address}/auth/register`, {
      method: "POST",
      headers,
      body: JSON.stringify({ email, password }),
    });
    return this.login(email);
  }

  /** Another token of an account that {@link signUp} made. */
  async login(email: string): Promise<string> {
    const login = await fetch(`${this.address}/auth/jwt/login`, {
      method: "POST",
      body: new URLSearchParams({ username: email, password }),
    });
    return ((await login.json()) as { access_token: string }).access_token;
  }
}
