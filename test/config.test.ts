import { describe, expect, test } from "bun:test";

import { ConfigError, readConfig } from "../src/config.ts";

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
  test("nothing has to be set, and an empty value counts as unset", () => {
    const config = readConfig({ PORT: "", JWT_SECRET_KEY: " ", MAX_IMAGE_SIZE: "" });
    expect(config).toMatchObject({
      host: "0.0.0.0",
      port: 8000,
      publicUrl: "http://localhost:8000",
      jwtSecret: undefined,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test("every bad one is named at once, by a sentence each, and no secret is repeated", () => {
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

  test.each([
    ["500", 500],
    ["800kb", 800 * 1024],
    ["25MB", 25 * 1024 ** 2],
    ["2 gb", 2 * 1024 ** 3],
  ])("a size of %p is %p bytes", (text, bytes) => {
    expect(readConfig({ MAX_IMAGE_SIZE: text }).maxImageSize).toBe(bytes);
  });

  test.each(["0", "-1", "1.5mb", "1e9", "mb", "99999gb", "１mb"])("%p is no size", (text) => {
    expect(problemsOf({ MAX_IMAGE_SIZE: text })).toHaveLength(1);
  });

  test.each(["ftp://x", "example.com", "http://a/?q=1", "http://user:pw@a/"])(
    "%p is no public address",
    (text) => {
      const [problem] = problemsOf({ PUBLIC_URL: text });
      expect(problem).toStartWith("PUBLIC_URL must be ");
    },
  );

  test("a public address loses its trailing slash", () => {
    expect(readConfig({ PUBLIC_URL: "https://photos.example.com/app/" }).publicUrl).toBe(
      "https://photos.example.com/app",
    );
  });
});
