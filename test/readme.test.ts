import { expect, test } from "bun:test";
import { join } from "node:path";

import { LoginError } from "../src/auth/accounts.ts";
import { createLoginLog } from "../src/auth/login-log.ts";
import { readConfig } from "../src/config.ts";
import { connectionParameterNames } from "../src/database/postgres.ts";
import { createLog } from "../src/operation/log.ts";

const readme = await Bun.file(join(import.meta.dir, "../README.md")).text();

/** The text of the code block that begins with this line. */
function block(firstLine: string): string {
  const [, text] = readme.split(`\n${firstLine}\n`);
  return text?.split("\n```")[0] ?? "";
}

const compose = () =>
  Bun.YAML.parse(block("# compose.yaml")) as {
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

test("the settings that the README tells are those that are read", () => {
  const read = new Set<string>();
  const noting = new Proxy<Record<string, string>>({}, { get: (_, name) => void read.add(String(name)) });
  readConfig(noting);
  // Looked at only beside an account.
  for (const name of ["IMAGE_KIT_BASE_URL", "S3_ENDPOINT", "S3_REGION", "S3_PUBLIC_URL"]) read.add(name);
  const table = /## Settings\n(.*?)\n## /s.exec(readme)?.[1] ?? "";
  const told = [...table.matchAll(/^\| (`.*?`) +\|/gm)].flatMap(([, names = ""]) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? ""),
  );
  expect(told.sort()).toEqual([...read].sort());
});

test("the compose file keeps data in a volume that there is, and sets what can be set", async () => {
  const { services, volumes } = compose();
  const { environment, volumes: mounts } = services.photos;
  expect(readConfig(environment)).toMatchObject({ trustProxy: 1, publicUrl: "https://photos.example.com" });
  const dockerfile = await Bun.file(join(import.meta.dir, "../Dockerfile")).text();
  const dataDir = /^ENV DATA_DIR=(\S+)$/m.exec(dockerfile)?.[1];
  expect(mounts).toEqual([`${Object.keys(volumes)[0]}:${dataDir}`]);
});

test("the compose file publishes the port for this machine alone, where both proxies look for it", () => {
  expect(compose().services.photos.ports).toEqual(["127.0.0.1:8000:8000"]);
  expect(block("# nginx, within http { … }")).toContain("server 127.0.0.1:8000;");
  expect(block("photos.example.com {")).toContain("reverse_proxy 127.0.0.1:8000");
});

test("the nodes of the larger compose file share a database, a secret and a bucket", () => {
  const [firstLine = ""] = /^# compose.yaml: two nodes.*$/m.exec(readme) ?? [];
  const { services } = Bun.YAML.parse(block(firstLine)) as {
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

test("the filter for fail2ban finds the network in the log of a failed login, and in no other line", async () => {
  const filter = block("# /etc/fail2ban/filter.d/image-sharing.conf");
  const failregex = /^failregex = (.*)$/m.exec(filter)?.[1] ?? "";
  const pattern = new RegExp(failregex.replace("<SUBNET>", "([0-9a-f.:]+(?:/\\d+)?)"));
  const lines: string[] = [];
  const log = createLog("debug", (line) => lines.push(line));
  const logins = createLoginLog(log, "secret");
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

test("the documentation names the parameters that PgBouncer has to let pass", async () => {
  const operations = await Bun.file(join(import.meta.dir, "../docs/operations.md")).text();
  for (const text of [operations, readme]) {
    const [, names = ""] = /ignore_startup_parameters = ([\w,]+)/.exec(text) ?? [];
    expect(names.split(",").sort()).toEqual([...connectionParameterNames].sort());
  }
});

test("the unit's settings are good, and both supervisors wait longer than the service takes to stop", () => {
  const unit = block("# /etc/systemd/system/image-sharing.service");
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
