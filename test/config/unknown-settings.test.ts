import { expect, test } from "bun:test";

import { readConfig } from "../../src/config/config.ts";

const warningsOf = (environment: Record<string, string>) => readConfig(environment).warnings;

test.each([
  ["RATE_LIMT", "RATE_LIMIT"],
  ["RATELIMIT", "RATE_LIMIT"],
  ["MAX_IMAGESIZE", "MAX_IMAGE_SIZE"],
  ["CORS_ORIGIN", "CORS_ORIGINS"],
  ["JWT_SECERT_KEY", "JWT_SECRET_KEY"],
  ["PROT", "PORT"],
  ["port", "PORT"],
  ["DATADIR", "DATA_DIR"],
  ["LOGLEVEL", "LOG_LEVEL"],
  ["S3_ENDPONT", "S3_ENDPOINT"],
  ["PUBLIC_URI", "PUBLIC_URL"],
  ["JWT_SECRET", "JWT_SECRET_KEY"],
  ["jwt_secret", "JWT_SECRET_KEY"],
  ["S3_SECRET_KEY", "S3_SECRET_ACCESS_KEY"],
  ["S3_ACCESS_KEY", "S3_ACCESS_KEY_ID"],
  ["S3_BUCKET_NAME", "S3_BUCKET"],
  ["IMAGEKIT_ENDPOINT", "IMAGEKIT_URL_ENDPOINT"],
  ["CORS_ALLOWED_ORIGINS", "CORS_ORIGINS"],
  ["MAIL_FROM_ADDRESS", "MAIL_FROM"],
  ["DATABASE_URL_FILE", "DATABASE_URL"],
  ["JWT_SECRET_KEY_FILE", "JWT_SECRET_KEY"],
  ["PASSWORD_LENGTH", "PASSWORD_MIN_LENGTH"],
  ["OIDC_SECRET", "OIDC_CLIENT_SECRET"],
  ["OIDC_ISSUER_URL", "OIDC_ISSUER"],
  ["REQUIRE_VERIFIED", "REQUIRE_VERIFIED_EMAIL"],
  ["MAX_IMAGE", "MAX_IMAGE_SIZE or MAX_IMAGE_PIXELS"],
])("unknown settings: warns about %s and suggests %s", (name, meant) => {
  const warnings = warningsOf({ [name]: "secret-value" });
  expect(warnings).toEqual([`${name} is not a setting of this program. Did you mean ${meant}?`]);
});

test.each(["MAIL_PASSWORD", "S3_SESSION_TOKEN", "JWT_ALGORITHM", "IMAGEKIT_ID", "DATABASE_HOST", "S3_HOST"])(
  "unknown settings: warns about %s because of its prefix",
  (name) => {
    expect(warningsOf({ [name]: "secret-value" })).toEqual([`${name} is not a setting of this program.`]);
  },
);

test("unknown settings: does not warn about variables of other programs", () => {
  const others = {
    ...Object.fromEntries(
      [
        "HOME PATH PWD OLDPWD SHELL TERM LANG LC_ALL USER LOGNAME HOSTNAME HOSTTYPE MAIL MAILTO TZ EDITOR PAGER",
        "XDG_DATA_DIRS XDG_DATA_HOME DISPLAY SSH_AUTH_SOCK INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET STATE_DIRECTORY",
        "NODE_ENV NODE_OPTIONS NODE_EXTRA_CA_CERTS BUN_INSTALL HTTP_PROXY NO_PROXY AWS_REGION AWS_ACCESS_KEY_ID",
        "KUBERNETES_SERVICE_HOST KUBERNETES_PORT SMTP_HOST POSTGRES_PASSWORD IMAGE IMAGE_TAG npm_config_cache",
        "SECRET_KEY SECRET_KEY_BASE AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN PUBLIC_IP PUBLIC_KEY LOG_FORMAT LOG_FILE",
        "LOG_LEVEL_ROOT DATA_DIR_BACKUP DATA_HOME MAX_MEMORY MAX_CONNECTIONS MIN_HEAP PASSWORD_STORE_DIR HOST_IP HOST_PORT",
        "PORT_RANGE MEDIA_ROOT MEDIA_URL TRUST_STORE DATABASE RATE UPLOAD",
      ]
        .join(" ")
        .split(" ")
        .map((name) => [name, "a value"]),
    ),
    // Set by Kubernetes for a service named "mail".
    MAIL_PORT: "tcp://10.0.0.7:25",
    MAIL_SERVICE_HOST: "10.0.0.7",
    MAIL_SERVICE_PORT_SMTP: "25",
    MAIL_PORT_25_TCP_ADDR: "10.0.0.7",
    RATE_LIMT: "",
  };
  expect(warningsOf(others)).toEqual([]);
});

test("unknown settings: knows every setting", () => {
  expect(
    warningsOf({ S3_ENDPOINT: "https://s3.example.com", IMAGE_KIT_BASE_URL: "https://i.example.com" }),
  ).toEqual([]);
});
