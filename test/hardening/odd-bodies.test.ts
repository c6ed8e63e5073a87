import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { TestService } from "../support/service.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.close());

const password = "sesame-secret-1";
const send = (path: string, body: string | Uint8Array<ArrayBuffer>, type?: string) =>
  service.fetch(path, {
    method: "POST",
    // As bytes, so that fetch adds no content type.
    body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    ...(type === undefined ? {} : { headers: { "content-type": type } }),
  });
const register = (body: string | Uint8Array<ArrayBuffer>, type = "application/json") =>
  send("/auth/register", body, type);
const typesOf = async (answer: Response) => {
  const text = await answer.text();
  expect(text).not.toContain(password);
  return (JSON.parse(text) as { detail: { type: string }[] }).detail.map(({ type }) => type);
};

describe("JSON body", () => {
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

  test.each([
    ["in the address", `{"email":${nested(20_000)},"password":"${password}"}`, ["string_type"]],
    ["in the password", `{"email":"a@example.com","password":${nested(20_000)}}`, ["string_type"]],
    [
      "in a flag",
      `{"email":"a@example.com","password":"${password}","is_active":${nested(20_000)}}`,
      ["bool_parsing"],
    ],
    ["all over", "[".repeat(60_000), ["json_invalid"]],
  ])("JSON body: deep nesting %s gets 422", async (_where, body, types) => {
    const answer = await register(body);
    expect(answer.status).toBe(422);
    expect(await typesOf(answer)).toEqual(types);
  });

  test("JSON body: unknown nested fields are ignored", async () => {
    const answer = await register(
      `{"email":"extra@example.com","password":"${password}","more":${nested(20_000)}}`,
    );
    expect(answer.status).toBe(201);
  });

  test("JSON body: fields of its prototype are ignored", async () => {
    const answer = await register(`{"__proto__":{"email":"p@example.com","password":"${password}"}}`);
    expect(await typesOf(answer)).toEqual(["missing", "missing"]);
  });

  test("JSON body: invalid UTF-8 gets 422", async () => {
    const answer = await register(new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]));
    expect(answer.status).toBe(422);
    expect(await typesOf(answer)).toEqual(["json_invalid"]);
  });

  test("JSON body: needs a JSON content type, with any parameters and case", async () => {
    const body = (email: string) => JSON.stringify({ email, password });
    const types = ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.api+json"];
    for (const [i, type] of types.entries())
      expect((await register(body(`type${i}@example.com`), type)).status).toBe(201);
    for (const type of [undefined, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
      const answer = await send("/auth/register", body("other@example.com"), type);
      expect(answer.status).toBe(422);
      expect(await typesOf(answer)).toEqual(["model_attributes_type"]);
    }
  });
});

describe("form body", () => {
  const form = (body: string) => send("/auth/jwt/login", body, "application/x-www-form-urlencoded");

  test("form body: the last value of a repeated field counts, even if blank", async () => {
    await service.register("twice@example.com", password);
    const last = await form(`username=x&username=twice@example.com&password=x&password=${password}`);
    expect(last.status).toBe(200);
    const blank = await form(`username=twice@example.com&password=${password}&password=`);
    expect(await typesOf(blank)).toEqual(["missing"]);
  });

  test("form body: a file in a text field gets 422", async () => {
    const body = new FormData();
    body.set("username", new File(["a"], "a.txt"));
    body.set("password", password);
    const answer = await service.fetch("/auth/jwt/login", { method: "POST", body });
    expect(await typesOf(answer)).toEqual(["string_type"]);
  });

  test.each(["garbage", "", "--x\r\n"])("form body: broken multipart gets 400: %j", async (body) => {
    const answer = await send("/auth/jwt/login", body, "multipart/form-data; boundary=x");
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ detail: "There was an error parsing the body" });
  });
});
