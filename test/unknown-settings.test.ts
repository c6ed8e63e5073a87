import { expect, test } from "bun:test";

import { readConfig } from "../src/config.ts";

const doubtsOf = (environment: Record<string, string>) => readConfig(environment).doubts;

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
])("unknown settings: %s is named, with %s", (name, meant) => {
  const doubts = doubtsOf({ [name]: "secret-value" });
  expect(doubts).toEqual([`${name} is no setting of this program. Is ${meant} meant?`]);
});

test.each(["MAIL_PASSWORD", "S3_SESSION_TOKEN", "JWT_SECRET", "IMAGEKIT_ID", "DATABASE_HOST"])(
  "unknown settings: %s begins like ours and is named",
  (name) => {
    expect(doubtsOf({ [name]: "secret-value" })).toEqual([`${name} is no setting of this program.`]);
  },
);

test("unknown settings: the names of other programs are left alone", () => {
  const others = {
    ...Object.fromEntries(
      [
        ..."HOME PATH PWD OLDPWD SHELL TERM LANG LC_ALL USER LOGNAME HOSTNAME HOSTTYPE MAIL MAILTO TZ EDITOR PAGER",
        ..."XDG_DATA_DIRS XDG_DATA_HOME DISPLAY SSH_AUTH_SOCK INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET STATE_DIRECTORY",
        ..."NODE_ENV NODE_OPTIONS NODE_EXTRA_CA_CERTS BUN_INSTALL HTTP_PROXY NO_PROXY AWS_REGION AWS_ACCESS_KEY_ID",
        ..."KUBERNETES_SERVICE_HOST KUBERNETES_PORT SMTP_HOST POSTGRES_PASSWORD IMAGE IMAGE_TAG npm_config_cache",
      ]
        .join("")
        .split(" ")
        .map((name) => [name, "a value"]),
    ),
    // A service called "mail", in Kubernetes.
    MAIL_PORT: "tcp://10.0.0.7:25",
    MAIL_SERVICE_HOST: "10.0.0.7",
    MAIL_SERVICE_PORT_SMTP: "25",
    MAIL_PORT_25_TCP_ADDR: "10.0.0.7",
    RATE_LIMT: "",
  };
  expect(doubtsOf(others)).toEqual([]);
});

test("unknown settings: every setting is known, whatever else is configured", () => {
  expect(
    doubtsOf({ S3_ENDPOINT: "https://s3.example.com", IMAGE_KIT_BASE_URL: "https://i.example.com" }),
  ).toEqual([]);
});
