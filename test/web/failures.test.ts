import { describe, expect, test } from "bun:test";

import { fileTooLargeDetail } from "../../src/limits.ts";
import { Failure } from "../../src/web/page/failures.ts";
import { settings } from "../../src/web/page/settings.ts";
import { duration } from "../../src/web/page/times.ts";

const problem = (field: string, msg: string) => [{ type: "value_error", loc: ["body", field], msg }];

describe("page: messages", () => {
  test.each([
    [0, undefined, "No connection. Check your network and try again."],
    [400, "LOGIN_BAD_CREDENTIALS", "Wrong email or password."],
    [
      400,
      "LOGIN_USER_NOT_VERIFIED",
      "Your email address isn't verified yet. Check your inbox for the link we sent.",
    ],
    [400, "VERIFY_USER_BAD_TOKEN", "This link has expired or was already used. Ask for a new one."],
    [400, "RESET_PASSWORD_BAD_TOKEN", "This link has expired or was already used. Ask for a new one."],
    [
      400,
      { code: "REGISTER_INVALID_PASSWORD", reason: "Password should be at least 8 characters" },
      "Use at least 8 characters.",
    ],
    [401, "Unauthorized", "You've been signed out. Sign in to continue."],
    [403, "Forbidden", "Verify your email address to continue. Check your inbox for the link we sent."],
    [403, "Not authorized to delete this post", "You're not allowed to do that."],
    [422, problem("file", "Value error, the file is empty"), "This file is empty."],
    [422, problem("email", "value is not a valid email address: no @"), "Enter a valid email address."],
    [
      422,
      problem("caption", "String should have at most 2200 characters"),
      "A caption can have up to 2,200 characters.",
    ],
    [413, undefined, "This file is too large."],
    [
      415,
      "The file is cut off: part of the picture is missing",
      "Part of this picture is missing. Copy it from the camera or phone again.",
    ],
    [415, "Files without a picture cannot be shared", "This video has no picture."],
    [
      415,
      "MPEG transport streams with these codecs cannot be shared; save the video as MP4",
      "This video can't be converted. Save it as MP4 and try again.",
    ],
    [502, undefined, "Something went wrong on our side. Please try again shortly."],
  ])("page: explains %i %j as: %s", (status, detail, words) => {
    expect(new Failure(status, detail).message).toBe(words);
  });

  test.each([
    ["836", "Too many attempts. Try again in 14 minutes."],
    ["1", "Too many attempts. Try again in 1 second."],
    ["60", "Too many attempts. Try again in 1 minute."],
    [null, "Too many attempts. Try again later."],
    ["soon", "Too many attempts. Try again later."],
  ])("page: explains a 429 with Retry-After %j as: %s", (retryAfter, words) => {
    expect(new Failure(429, "Too many requests", retryAfter).message).toBe(words);
  });

  test("page: the message for an unknown format lists what the service accepts", () => {
    const videos = "MP4, MOV, WebM, MKV, AVI, 3GP, MPEG";
    for (const [transportStreams, accepted] of [
      [true, `${videos}, MTS`],
      [false, videos],
    ]) {
      Object.assign(settings, { accepted: { transportStreams } });
      expect(new Failure(415, "PDF cannot be shared; only images and videos can").message).toBe(
        `Only photos (JPEG, PNG, GIF, WebP, AVIF, HEIC) and videos (${accepted}) can be shared.`,
      );
    }
  });

  test("page: reads a date in Retry-After", () => {
    const failure = new Failure(503, undefined, new Date(Date.now() + 90_000).toUTCString());
    expect(failure.retryAfterSeconds).toBeWithin(80, 91);
  });

  test.each([
    ["photo", 26214400, "Photos can be up to 25 MB."],
    ["video", 524288000, "Videos can be up to 500 MB."],
    ["video", 5 * 1024 ** 3, "Videos can be up to 5 GB."],
    ["photo", 1_600_000, "Photos can be up to 1.5 MB."],
    ["file", 2048, "Files can be up to 2 kB."],
  ] as const)("page: explains the limit of %s of %i bytes as: %s", (kind, bytes, words) => {
    expect(new Failure(413, fileTooLargeDetail(bytes), null, kind).message).toBe(words);
  });

  test.each([
    [59, "59 seconds"],
    [61, "2 minutes"],
    [3599, "1 hour"],
    [3601, "2 hours"],
  ])("page: writes %i seconds as %s", (seconds, words) => {
    expect(duration(seconds)).toBe(words);
  });
});
