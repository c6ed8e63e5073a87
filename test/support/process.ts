import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import { databaseSettings } from "./postgres.ts";

/** How the program is started, as `bun start` does. TEST_EXECUTABLE: the built one instead of the source, for what shows only there. */
const executable = process.env["TEST_EXECUTABLE"];
export const command = executable
  ? [resolve(executable)]
  : [process.execPath, "--no-env-file", join(import.meta.dir, "../../src/main.ts")];

/** A service in a process of its own, on a real port, that can be killed like by a power cut. */
export class ServiceProcess {
  #process: Bun.Subprocess | undefined;
  readonly address: string;

  constructor(
    readonly dataDir: string,
    readonly environment: Record<string, string> = {},
    // Below the ports that the system gives to whoever asks for any: another test's server could have it.
    readonly port = 20_000 + Math.floor(Math.random() * 12_000),
    /** Where its log goes: a file, to look into; else to this process's own. */
    private readonly log?: string,
    private readonly program: string[] = command,
  ) {
    this.address = `http://127.0.0.1:${port}`;
  }

  /** Starts the process and waits until it answers. */
  async start(): Promise<void> {
    await mkdir(this.dataDir, { recursive: true });
    this.#process = Bun.spawn(this.program, {
      env: {
        PATH: process.env["PATH"],
        HOST: "127.0.0.1",
        PORT: String(this.port),
        PUBLIC_URL: this.address,
        DATA_DIR: this.dataDir,
        RATE_LIMIT: "off",
        UPLOADS_PER_ACCOUNT: "100",
        LOG_LEVEL: "error",
        ...(await databaseSettings(this.dataDir)),
        ...this.environment,
      },
      cwd: this.dataDir,
      stdout: "ignore",
      stderr: this.log === undefined ? "inherit" : Bun.file(this.log),
    });
    for (let tries = 0; tries < 1500 && this.#process.exitCode === null; tries++) {
      if (
        await fetch(`${this.address}/health`).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        return;
      await Bun.sleep(10);
    }
    throw new Error(`the service did not start (exit code ${this.#process.exitCode})`);
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
    const password = "correct horse battery";
    const headers = { "content-type": "application/json" };
    await fetch(`${this.address}/auth/register`, {
      method: "POST",
      headers,
      body: JSON.stringify({ email, password }),
    });
    const login = await fetch(`${this.address}/auth/jwt/login`, {
      method: "POST",
      body: new URLSearchParams({ username: email, password }),
    });
    return ((await login.json()) as { access_token: string }).access_token;
  }
}
