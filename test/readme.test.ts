import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";

import { dependencies, devDependencies, packageManager } from "../package.json";
import { LoginError } from "../src/accounts/accounts.ts";
import { createLoginLog } from "../src/accounts/login-log.ts";
import { readConfig } from "../src/config/config.ts";
import { pageSize } from "../src/database/original-database.ts";
import { connectionParameterNames } from "../src/database/postgres.ts";
import { RequestIds } from "../src/http/request-id.ts";
import { createLog } from "../src/observability/log.ts";
import { ServiceProcess } from "./support/process.ts";

const root = join(import.meta.dir, "..");
const text = (path: string) => Bun.file(join(root, path)).text();

/** Every page for people, by its path from the project's folder. */
const pages = new Map<string, string>();
for (const glob of ["*.md", "docs/**/*.md"])
  for (const path of new Bun.Glob(glob).scanSync(root)) pages.set(path, await text(path));
const readme = pages.get("README.md")!;
const operations = pages.get("docs/operations.md")!;
const scaling = pages.get("docs/scaling.md")!;

/** The text of the code block that begins with this line. */
function block(page: string, firstLine: string): string {
  const [, rest] = page.split(`\n${firstLine}\n`);
  return rest?.split("\n```")[0] ?? "";
}

/** The cells of every row of a page's tables. */
const rows = (page: string): string[][] =>
  (page.match(/^\|.*\|$/gm) ?? []).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

const codes = (cell = "") => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? "");

const compose = () =>
  Bun.YAML.parse(block(operations, "# compose.yaml")) as {
    services: {
      photos: {
        environment: Record<string, string>;
        volumes: string[];
        ports: string[];
        stop_grace_period: string;
      };
    };
    volumes: Record<string, null>;
  };

test("README: has at most 150 lines of at most 120 columns", () => {
  const lines = readme.trimEnd().split("\n");
  expect(lines.length).toBeLessThanOrEqual(150);
  expect(lines.filter((line) => line.length > 120)).toEqual([]);
});

test("README: names the commands that start and test the pinned version, and shows a small picture", () => {
  expect(readme).toContain(`npx --yes ${packageManager} start`);
  expect(readme).toContain(`npx --yes ${packageManager} run test`);
  const [, picture = ""] = /!\[[^\]]+\]\(([^)]+)\)/.exec(readme) ?? [];
  expect(Bun.file(join(root, picture)).size).toBeWithin(1, 120_000);
});

/** The anchors of a page's headings, as GitHub and GitLab make them. */
const anchors = (page: string) =>
  [...page.replaceAll(/^```.*?^```/gms, "").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );

/** Where the links of a page lead, apart from other hosts. */
const targets = (page: string) => {
  const prose = page.replaceAll(/^```.*?^```/gms, "");
  const inline = prose.matchAll(/\]\(<?([^)>\s]+)>?\)/g);
  const references = prose.matchAll(/^\[[^\]]+\]: (\S+)$/gm);
  return [...inline, ...references]
    .map(([, target = ""]) => target)
    .filter((target) => !/^https?:/.test(target));
};

test("documentation: every link leads to a file and a heading that exist", () => {
  const broken: string[] = [];
  let links = 0;
  for (const [path, page] of pages)
    for (const target of targets(page)) {
      const [file = "", heading] = target.split("#");
      const found = file === "" ? path : normalize(join(dirname(path), file));
      links++;
      if (!existsSync(join(root, found)) || (heading && !anchors(pages.get(found) ?? "").includes(heading)))
        broken.push(`${path}: ${target}`);
    }
  expect(broken).toEqual([]);
  expect(links).toBeGreaterThan(50);
});

test("documentation: every page can be reached from the README", () => {
  const reached = new Set(["README.md"]);
  for (const path of reached)
    for (const target of targets(pages.get(path) ?? "")) {
      const found = normalize(join(dirname(path), target.split("#")[0] ?? ""));
      if (pages.has(found)) reached.add(found);
    }
  const others = [...pages.keys()].filter((path) => !reached.has(path));
  // Hosting platforms show this one themselves.
  expect(others).toEqual(["CONTRIBUTING.md"]);
});

const hasRequests = Bun.spawnSync(["python3", "-c", "import requests"], { stderr: "ignore" }).success;
if (!hasRequests) console.log("skipped: the tour in Python needs python3 with its package requests");

test("README: the tour works word for word with curl, JavaScript and Python", async () => {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-tour-"));
  const service = new ServiceProcess(folder);
  const run = async (language: string, command: string[]) => {
    const [, rest = ""] = readme.split("## Five-minute tour")[1]!.split(`\n\`\`\`${language}\n`);
    const code = rest.split("```")[0]!.replaceAll(/(http:\/\/)?localhost:8000/g, service.address);
    const path = join(folder, `tour.${language === "js" ? "mjs" : language}`);
    await Bun.write(path, code);
    const { stdout, stderr, exitCode } = Bun.spawnSync([...command, path], { cwd: root });
    expect(`${exitCode} ${stderr}`).toBe("0 ");
    return stdout.toString();
  };
  try {
    await service.start();
    expect(await run("sh", ["bash", "-euo", "pipefail"])).toMatch(
      /"email":"ada@example.com".*"caption":"From the terminal".*"next_cursor":null/s,
    );
    expect(await run("js", [process.execPath])).toMatch(/\/media\/.*"From JavaScript", "From the terminal"/s);
    if (hasRequests)
      expect(await run("python", ["python3"])).toMatch(/\/media\/.* \d+ \d+\nPost deleted successfully\n/);
  } finally {
    await service.kill();
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);

/** The routes of a cell such as "`GET`, `PATCH /users/me`, `DELETE /users/me`"; parameters without their names. */
function routesIn(cell: string): string[] {
  const routes: string[] = [];
  let methods: string[] = [];
  let isComplete = false;
  for (const code of codes(cell)) {
    const [, method, path] = /^([A-Z]+)? ?(\/[^?]*)?/.exec(code) ?? [];
    if (method && isComplete) methods = [];
    if (method) methods.push(method);
    isComplete = path !== undefined;
    if (path) routes.push(...methods.map((each) => `${each} ${path.replaceAll(/\{\w+\}|tr:…/g, "{}")}`));
  }
  return routes;
}

test("API: the table of routes has every route of the OpenAPI document", async () => {
  const [, table = ""] = pages.get("docs/api.md")!.split("\n## Routes\n");
  const documented = rows(table.split("\n## ")[0]!).flatMap(([cell = ""]) => routesIn(cell));
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-routes-"));
  const service = new ServiceProcess(folder);
  try {
    await service.start();
    const { paths } = (await (await service.fetch("/openapi.json")).json()) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const offered = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, "{}")}`),
    );
    expect(offered.filter((route) => !documented.includes(route))).toEqual([]);
    expect(offered.length).toBeGreaterThan(30);
  } finally {
    await service.kill();
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);

/** What settings of an account need beside them. */
const accounts = {
  S3: { S3_BUCKET: "b", S3_ACCESS_KEY_ID: "k", S3_SECRET_ACCESS_KEY: "s" },
  IMAGE: {
    IMAGEKIT_PUBLIC_KEY: "k",
    IMAGEKIT_PRIVATE_KEY: "k",
    IMAGEKIT_URL_ENDPOINT: "https://ik.example.com",
  },
};

test("configuration: every setting that is read is documented, and no other", () => {
  const read = new Set<string>();
  for (const account of [{}, accounts.S3, accounts.IMAGE])
    readConfig(
      new Proxy<Record<string, string>>(account, {
        get: (target, name: string) => (read.add(name), target[name]),
        has: () => true,
      }),
    );
  const documented = rows(pages.get("docs/configuration.md")!).flatMap(([names]) => codes(names));
  expect(documented.sort()).toEqual([...read].sort());
});

test("configuration: every documented default is what the service does without the setting", () => {
  const checked: string[] = [];
  for (const [names, fallback = ""] of rows(pages.get("docs/configuration.md")!)) {
    const [name = ""] = codes(names);
    const value = /^(?:.*else )?`([^`]+)`$/.exec(fallback)?.[1];
    if (value === undefined) continue;
    const account = name.startsWith("S3_") ? accounts.S3 : {};
    expect(readConfig({ ...account, [name]: value })).toEqual(readConfig(account));
    checked.push(name);
  }
  expect(checked.length).toBeGreaterThan(15);
});

test("documentation: every dependency is documented, and no other", () => {
  const [, architecture = ""] = pages.get("docs/architecture.md")!.split("\n## Dependencies\n");
  const documented = rows(architecture).flatMap(([names]) => codes(names));
  const used = [...Object.keys(dependencies), ...Object.keys(devDependencies)];
  // The package behind the name.
  expect(documented.sort()).toEqual([...used, "@imagekit/nodejs"].sort());
});

test("operations: the compose file keeps data in a declared volume, and its settings are valid", async () => {
  const { services, volumes } = compose();
  const { environment, volumes: mounts } = services.photos;
  expect(readConfig(environment)).toMatchObject({ trustProxy: 1, publicUrl: "https://photos.example.com" });
  const dockerfile = await text("Dockerfile");
  const dataDir = /^ENV DATA_DIR=(\S+)$/m.exec(dockerfile)?.[1];
  expect(mounts).toEqual([`${Object.keys(volumes)[0]}:${dataDir}`]);
});

test("operations: an import writes as many rows at a time as the page says", () => {
  expect(operations).toContain(`an import writes ${pageSize.toLocaleString("en")} rows at a time`);
});

test("operations: the compose file publishes the port on this machine only, where both proxies expect it", () => {
  expect(compose().services.photos.ports).toEqual(["127.0.0.1:8000:8000"]);
  expect(block(operations, "# nginx, within http { … }")).toContain("server 127.0.0.1:8000;");
  expect(block(operations, "photos.example.com {")).toContain("reverse_proxy 127.0.0.1:8000");
});

test("scaling: the nodes of the compose file share a database, a secret and a bucket", () => {
  const [firstLine = ""] = /^# compose.yaml: two nodes.*$/m.exec(scaling) ?? [];
  const { services } = Bun.YAML.parse(block(scaling, firstLine)) as {
    services: Record<string, { environment: Record<string, string> }>;
  };
  const secret = "0123456789abcdefghijklmnopqrstuvwxyzABCD";
  const given = (value: string) => value.replaceAll(/\$\{\w+\}/g, secret);
  for (const name of ["node1", "node2"]) {
    const settings = Object.entries(services[name]!.environment).map(([key, value]) => [key, given(value)]);
    const config = readConfig(Object.fromEntries(settings) as Record<string, string>);
    expect(config).toMatchObject({ mediaStore: "s3", jwtSecret: secret });
    expect(config.database?.url).toContain("@database:5432/");
  }
  expect(Object.keys(services)).toContain("database");
});

test("operations: the filter for fail2ban finds the network of a failed login, and matches no other line", async () => {
  const filter = block(operations, "# /etc/fail2ban/filter.d/image-sharing.conf");
  const failregex = /^failregex = (.*)$/m.exec(filter)?.[1] ?? "";
  const pattern = new RegExp(failregex.replace("<SUBNET>", "([0-9a-f.:]+(?:/\\d+)?)"));
  const lines: string[] = [];
  const log = createLog("debug", (line) => lines.push(line));
  const logins = createLoginLog(log, "secret", new RequestIds());
  const from = (address: string, login: () => Promise<{ userId: string }>) =>
    logins.record(new Request("http://localhost/"), { address, account: "ada" }, login).catch(() => {});
  await from("203.0.113.9", () => Promise.reject(new LoginError("bad_password", "id")));
  await from("2001:db8:1:2:3::4", () => Promise.reject(new LoginError("unknown_account")));
  await from("203.0.113.9", async () => ({ userId: "id" }));
  log.info("request", { route: "/auth/jwt/login", status: 400 });
  expect(lines.map((line) => pattern.exec(line)?.[1])).toEqual([
    "203.0.113.9",
    "2001:db8:1:2::/64",
    undefined,
    undefined,
  ]);
});

test("scaling: names the parameters that PgBouncer has to let pass", () => {
  const [, names = ""] = /ignore_startup_parameters = ([\w,]+)/.exec(scaling) ?? [];
  expect(names.split(",").sort()).toEqual([...connectionParameterNames].sort());
});

test("operations: shows the unit that the five commands install", async () => {
  const unit = await text("docs/image-sharing.service");
  expect(operations).toContain(`\n\`\`\`ini\n${unit}\`\`\`\n`);
  expect(operations).toContain("install -m 644 docs/image-sharing.service /etc/systemd/system/");
});

test("operations: the unit's settings are valid, and both supervisors wait longer than the service takes to stop", () => {
  const unit = block(operations, "# /etc/systemd/system/image-sharing.service");
  const environment =
    /^Environment=(.*)$/m
      .exec(unit)?.[1]
      ?.split(" ")
      .map((one) => one.split("=")) ?? [];
  const config = readConfig(Object.fromEntries(environment) as Record<string, string>);
  expect(config.dataDir).toBe(`/var/lib/${/^StateDirectory=(.*)$/m.exec(unit)?.[1]}`);
  // 30 s for requests, 5 s for mails on their way.
  expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThan(35);
  expect(Number.parseInt(compose().services.photos.stop_grace_period)).toBeGreaterThan(35);
});
