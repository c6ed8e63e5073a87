import { describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { BlockList } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ConfigError, readConfig } from "../../src/config/config.ts";

const problemsOf = (environment: Record<string, string>) => {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
};

describe("settings", () => {
  test("settings: none is required, and an empty value counts as unset", () => {
    const config = readConfig({ PORT: "", JWT_SECRET_KEY: " ", MAX_IMAGE_SIZE: "" });
    expect(config).toMatchObject({
      host: "0.0.0.0",
      port: 8000,
      publicUrl: undefined,
      jwtSecret: undefined,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test("settings: SITE_NAME has up to 60 characters without line breaks and names the sender of mails", () => {
    expect(readConfig({})).toMatchObject({ siteName: "Image Sharing" });
    expect(readConfig({ SITE_NAME: "Family photos" })).toMatchObject({
      siteName: "Family photos",
      mailFrom: { name: "Family photos" },
    });
    for (const name of ["x".repeat(61), "two\nlines"])
      expect(problemsOf({ SITE_NAME: name })).toEqual([
        "SITE_NAME must be 1 to 60 characters without line breaks.",
      ]);
  });

  test("settings: names all invalid ones at once without repeating secrets", () => {
    const problems = problemsOf({
      PORT: "80000",
      JWT_SECRET_KEY: "tooshort",
      MAX_VIDEO_SIZE: "many",
      LOG_LEVEL: "loud",
    });
    expect(problems).toHaveLength(4);
    for (const [i, name] of ["PORT", "JWT_SECRET_KEY", "MAX_VIDEO_SIZE", "LOG_LEVEL"].entries())
      expect(problems[i]).toMatch(new RegExp(`^${name} must be .+\\.$`));
    expect(problems.join()).not.toContain("tooshort");
  });

  test.each(["https://app.example.com/path", "app.example.com", "null", "https://*.com"])(
    "settings: rejects CORS_ORIGINS %p",
    (origins) => {
      expect(problemsOf({ CORS_ORIGINS: origins })).toEqual([
        "CORS_ORIGINS must be origins such as https://app.example.com, https://*.example.com or capacitor://localhost, separated by commas, or *.",
      ]);
    },
  );

  test("settings: FFMPEG is a program that can be executed, with ffprobe beside it or where its link leads", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ffmpeg-setting-"));
    const [ffmpeg, ffprobe, link] = ["ffmpeg", "ffprobe", "link"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    try {
      const expected = [
        "FFMPEG must be off, or the path of an ffmpeg program that this user can execute, with ffprobe in the same folder.",
      ];
      expect(problemsOf({ FFMPEG: ffmpeg })).toEqual(expected);
      expect(problemsOf({ FFMPEG: folder })).toEqual(expected);
      await Bun.write(ffmpeg, "#!/bin/sh\n");
      await Bun.write(ffprobe, "#!/bin/sh\n");
      await chmod(ffprobe, 0o755);
      expect(problemsOf({ FFMPEG: ffmpeg })).toEqual(expected);
      await chmod(ffmpeg, 0o755);
      expect(readConfig({ FFMPEG: ffmpeg }).ffmpeg).toEqual({ ffmpeg, ffprobe });
      await mkdir(link);
      await symlink(ffmpeg, join(link, "ffmpeg"));
      expect(readConfig({ FFMPEG: join(link, "ffmpeg") }).ffmpeg?.ffprobe).toBe(ffprobe);
      await rm(ffprobe);
      expect(problemsOf({ FFMPEG: ffmpeg })).toEqual(expected);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("settings: without FFMPEG, the ffmpeg on the PATH is used, and with off none", () => {
    expect(readConfig({}).ffmpeg?.ffmpeg).toBe(Bun.which("ffmpeg") ?? undefined);
    expect(readConfig({ FFMPEG: "off" }).ffmpeg).toBeUndefined();
    expect(readConfig({ FFMPEG: "OFF" }).ffmpeg).toBeUndefined();
  });

  test("settings: AUTHOR_EMAILS is owner by default, and anything but owner and everybody is rejected", () => {
    expect(readConfig({}).authorEmails).toBe("owner");
    expect(readConfig({ AUTHOR_EMAILS: "Everybody" }).authorEmails).toBe("everybody");
    expect(problemsOf({ AUTHOR_EMAILS: "nobody" })).toEqual([
      "AUTHOR_EMAILS must be one of owner, everybody.",
    ]);
  });

  test.each([
    ["500", 500],
    ["800kb", 800 * 1024],
    ["25MB", 25 * 1024 ** 2],
    ["2 gb", 2 * 1024 ** 3],
  ])("settings: reads the size %p as %p bytes", (text, bytes) => {
    expect(readConfig({ MAX_IMAGE_SIZE: text }).maxImageSize).toBe(bytes);
  });

  test.each(["0", "-1", "1.5mb", "1e9", "mb", "99999gb", "１mb"])("settings: rejects the size %p", (text) => {
    expect(problemsOf({ MAX_IMAGE_SIZE: text })).toHaveLength(1);
  });

  test.each([
    ["", null],
    ["off", 0],
    ["0", 0],
    ["300mb", 300 * 1024 ** 2],
    ["2000GB", 2000 * 1024 ** 3],
  ])("settings: reads MIN_FREE_SPACE %p as %p bytes", (text, bytes) => {
    expect(readConfig({ MIN_FREE_SPACE: text }).minFreeSpace).toBe(bytes);
  });

  test.each([
    ["", undefined],
    ["1", 1],
    ["300mb", 300 * 1024 ** 2],
    ["2000GB", 2000 * 1024 ** 3],
  ])("settings: reads USER_QUOTA %p as %p bytes", (text, bytes) => {
    expect(readConfig({ USER_QUOTA: text }).userQuota).toBe(bytes);
  });

  test.each(["0", "off", "1.5gb", "-1"])("settings: rejects USER_QUOTA %p", (text) => {
    expect(problemsOf({ USER_QUOTA: text })[0]).toStartWith("USER_QUOTA must be a number of bytes");
  });

  test("settings: REGISTRATION is open, invite or closed", () => {
    expect(readConfig({}).registration).toBe("open");
    expect(readConfig({ REGISTRATION: "Invite" }).registration).toBe("invite");
    expect(problemsOf({ REGISTRATION: "never" })).toEqual([
      "REGISTRATION must be one of open, invite, closed.",
    ]);
  });

  test.each(["2%", "-1", "none"])("settings: rejects MIN_FREE_SPACE %p", (text) => {
    expect(problemsOf({ MIN_FREE_SPACE: text })[0]).toStartWith("MIN_FREE_SPACE must be off, or ");
  });

  test.each([
    "mysql://u:hidden@h/db",
    "sqlite:x.db",
    "./x.db",
    "postgres://u:hidden@h/",
    "postgres://u:hidden@h/db?sslmode=requir",
  ])("settings: rejects DATABASE_URL %p without repeating its password", (text) => {
    const problems = problemsOf({ DATABASE_URL: text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toStartWith("DATABASE_URL must be ");
    expect(problems[0]).not.toContain("hidden");
  });

  test("settings: a bucket needs a name and keys, becomes the media store, and its secret is not repeated", () => {
    const keys = { S3_ACCESS_KEY_ID: "id", S3_SECRET_ACCESS_KEY: "hidden" };
    expect(readConfig({ S3_BUCKET: "b", ...keys })).toMatchObject({
      mediaStore: "s3",
      s3: { bucket: "b", endpoint: null, region: "us-east-1", publicUrl: null },
    });
    expect(readConfig({ S3_BUCKET: "b", ...keys, MEDIA_STORE: "disk" }).mediaStore).toBe("disk");
    expect(problemsOf(keys)).toEqual([
      "S3_BUCKET must be set too, because S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY are.",
    ]);
    expect(problemsOf({ MEDIA_STORE: "s3" })).toHaveLength(1);
    const [problem] = problemsOf({ S3_BUCKET: "b", ...keys, S3_ENDPOINT: "s3.example.com" });
    expect(problem).toBe("S3_ENDPOINT must begin with http:// or https://.");
    expect(problem).not.toContain("hidden");
    expect(problemsOf({ S3_BUCKET: "b", ...keys, MAX_VIDEO_SIZE: "6gb" })).toHaveLength(1);
    expect(problemsOf({ S3_BUCKET: "b", ...keys, MAX_VIDEO_SIZE: "6gb", MEDIA_STORE: "disk" })).toEqual([]);
  });

  test.each(["x".repeat(40), "abababababababababababababababababab", "1234".repeat(20), "ä".repeat(16)])(
    "settings: rejects a JWT_SECRET_KEY with few different characters: %p",
    (secret) => {
      const [problem, ...others] = problemsOf({ JWT_SECRET_KEY: secret });
      expect(problem).toMatch(
        /^JWT_SECRET_KEY must be at least 32 bytes long, with at least 5 different characters.*\.$/,
      );
      expect(problem).not.toContain(secret);
      expect(others).toEqual([]);
    },
  );

  test("settings: accepts a random JWT_SECRET_KEY in base64 and hexadecimal", () => {
    for (const encoding of ["base64", "hex"] as const) {
      const secret = crypto.getRandomValues(Buffer.alloc(32)).toString(encoding);
      expect(readConfig({ JWT_SECRET_KEY: secret }).jwtSecret).toBe(secret);
    }
  });

  test("settings: TRUST_PROXY is a number or a list of networks", () => {
    for (const [text, proxies] of [
      ["off", 0],
      ["2", 2],
      ["10", 10],
    ] as const)
      expect(readConfig({ TRUST_PROXY: text }).trustProxy).toBe(proxies);
    const networks = readConfig({ TRUST_PROXY: "10.0.0.0/8, fd00::/8, 192.0.2.7" }).trustProxy;
    expect(networks).toBeInstanceOf(BlockList);
    for (const text of ["0", "11", "-1", "on", "10.0.0.0/33", "fd00::/8;10.0.0.0/8", "1, 10.0.0.0/8"])
      expect([text, problemsOf({ TRUST_PROXY: text })]).toEqual([
        text,
        [
          expect.stringMatching(
            /^TRUST_PROXY must be off, or how many proxies .*10\.0\.0\.0\/8, fd00::\/8\.$/,
          ),
        ],
      ]);
  });

  test("settings: on PostgreSQL, rejects a SWEEP_GRACE shorter than the longest upload", () => {
    const url = "postgres://u:p@h/db?sslmode=verify-full";
    expect(problemsOf({ DATABASE_URL: url })).toEqual([]);
    expect(problemsOf({ SWEEP_GRACE: "60" })).toEqual([]);
    for (const setting of [{ SWEEP_GRACE: "60" }, { UPLOAD_DEADLINE: "900" }, { MAX_VIDEO_SIZE: "2gb" }]) {
      const [problem] = problemsOf({ DATABASE_URL: url, ...setting });
      expect(problem).toStartWith("SWEEP_GRACE must be more than ");
    }
  });

  test.each([
    ["ftp://x", "begin with http:// or https://"],
    ["example.com", "begin with http:// or https://"],
    ["https:example.com", "begin with http:// or https://"],
    ["//example.com", "begin with http:// or https://"],
    ["https://", "have a valid host and port, as in https://photos.example.com:8443"],
    ["https:///photos", "have a valid host and port, as in https://photos.example.com:8443"],
    ["https://a b/", "have a valid host and port, as in https://photos.example.com:8443"],
    ["https://a..b", "have a valid host and port, as in https://photos.example.com:8443"],
    ["https://-a.example", "have a valid host and port, as in https://photos.example.com:8443"],
    ["https://x:99999", "have a valid host and port, as in https://photos.example.com:8443"],
    ["https://x:0", "have a valid host and port, as in https://photos.example.com:8443"],
    ["https://x/#y", "have no fragment (#)"],
    ["https://x/#y?z", "have no fragment (#)"],
    ["https://x#", "have no fragment (#)"],
    ["http://a/?q=1", "have no query (?)"],
    ["http://a/?", "have no query (?)"],
    ["http://a/?q=1#y", "have no query (?) and no fragment (#)"],
    ["http://user:pw@a/", "have no user name or password"],
    ["http://user:pw@a/?q=1", "have no user name or password and no query (?)"],
  ])("settings: rejects PUBLIC_URL %p because it must %s", (text, expected) => {
    expect(problemsOf({ PUBLIC_URL: text })).toEqual([`PUBLIC_URL must ${expected}.`]);
  });

  test.each([
    ["https://photos.example.com/app/", "https://photos.example.com/app"],
    ["HTTPS://Photos.Example.com", "https://photos.example.com"],
    ["http://192.168.1.5:8000", "http://192.168.1.5:8000"],
    ["http://image_sharing:8000", "http://image_sharing:8000"],
    ["https://bücher.example", "https://xn--bcher-kva.example"],
    ["http://[::1]:8000/a@b", "http://[::1]:8000/a@b"],
  ])("settings: reads PUBLIC_URL %p as %p", (text, publicUrl) => {
    expect(readConfig({ PUBLIC_URL: text }).publicUrl).toBe(publicUrl);
  });

  test("settings: rejects an invalid MAIL_FROM and MAIL_URL without repeating the password", () => {
    expect(problemsOf({ MAIL_FROM: "Photos", MAIL_URL: "smtp://u:sec#ret@host" })).toEqual([
      "MAIL_FROM must be an address, or a name and an address: Photos <photos@example.com>.",
      expect.stringMatching(/^MAIL_URL must end with its host and port; .*\.$/),
    ]);
    expect(problemsOf({ MAIL_URL: "smtp://u:sec#ret@host" }).join()).not.toMatch(/sec|ret@/);
  });

  test("settings: the sender and the SMTP client name default to the host of PUBLIC_URL", () => {
    const PUBLIC_URL = "https://photos.example.com/app";
    const MAIL_FROM = "Ann <ann@mail.example.com>";
    const ours = { name: "Image Sharing", address: "noreply@photos.example.com" };
    const ann = { name: "Ann", address: "ann@mail.example.com" };
    expect(readConfig({ PUBLIC_URL })).toMatchObject({ mailFrom: ours, mailHost: "photos.example.com" });
    expect(readConfig({ PUBLIC_URL, MAIL_FROM })).toMatchObject({
      mailFrom: ann,
      mailHost: "photos.example.com",
    });
    expect(readConfig({ MAIL_FROM })).toMatchObject({ mailFrom: ann, mailHost: "mail.example.com" });
    expect(readConfig({}).mailHost).toBeUndefined();
  });

  const client = { OIDC_CLIENT_ID: "photos", OIDC_CLIENT_SECRET: "s3cret", PASSWORD_LOGIN: "off" };

  test("settings: the provider's are all three or none", () => {
    expect(readConfig({})).toMatchObject({ oidc: undefined, passwordLogin: true });
    expect(readConfig({ OIDC_ISSUER: "https://id.example.com/o/photos/", ...client })).toMatchObject({
      oidc: {
        issuer: "https://id.example.com/o/photos/",
        clientId: "photos",
        clientSecret: "s3cret",
        name: null,
        scopes: "openid email profile",
      },
      passwordLogin: false,
    });
    expect(problemsOf({ OIDC_CLIENT_ID: "photos" })).toEqual([
      "OIDC_ISSUER and OIDC_CLIENT_SECRET must be set too, because OIDC_CLIENT_ID is.",
    ]);
    const problems = problemsOf(client);
    expect(problems).toEqual([
      "OIDC_ISSUER must be set too, because OIDC_CLIENT_ID and OIDC_CLIENT_SECRET are.",
    ]);
    expect(problemsOf({ PASSWORD_LOGIN: "off" })).toEqual([
      expect.stringMatching(/^PASSWORD_LOGIN is off, so OIDC_ISSUER, .* nobody could sign in\.$/),
    ]);
  });

  test.each([
    ["id.example.com", "begin with http:// or https://"],
    [
      "http://id.example.com",
      "begin with https:// unless the provider runs on this machine (http://localhost)",
    ],
    [
      "http://127.0.0.1.example.com",
      "begin with https:// unless the provider runs on this machine (http://localhost)",
    ],
    ["https://user:pw@id.example.com", "have no user name or password"],
    ["https://id.example.com/?realm=a", "have no query (?)"],
    [
      "https://id.example.com/.well-known/openid-configuration",
      "be the issuer alone, without /.well-known/openid-configuration",
    ],
  ])("settings: rejects OIDC_ISSUER %p because it must %s", (issuer, expected) => {
    expect(problemsOf({ OIDC_ISSUER: issuer, ...client })).toEqual([`OIDC_ISSUER must ${expected}.`]);
  });

  test.each(["http://localhost:9000", "http://127.0.0.1:9000/realms/family", "http://[::1]:9000"])(
    "settings: accepts OIDC_ISSUER %p, on this machine",
    (issuer) => {
      expect(readConfig({ OIDC_ISSUER: issuer, ...client }).oidc?.issuer).toBe(issuer);
    },
  );

  test("settings: OIDC_SCOPES has openid, and OIDC_NAME is a short text", () => {
    const set = { OIDC_ISSUER: "https://id.example.com", ...client };
    expect(readConfig({ ...set, OIDC_SCOPES: " openid  email " }).oidc?.scopes).toBe("openid email");
    for (const scopes of ["email", 'openid "x"', "openid,email"])
      expect(problemsOf({ ...set, OIDC_SCOPES: scopes })).toEqual([
        "OIDC_SCOPES must be scopes separated by spaces, openid among them.",
      ]);
    for (const name of ["x".repeat(61), "two\nlines"])
      expect(problemsOf({ ...set, OIDC_NAME: name })).toEqual([
        "OIDC_NAME must be 1 to 60 characters without line breaks.",
      ]);
  });
});
