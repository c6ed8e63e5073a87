import { expect, test } from "bun:test";

import { createConsoleMailer } from "../../src/mail/console-mailer.ts";
import { resetMessage, verifyMessage } from "../../src/mail/messages.ts";

const mail = { to: "ann@example.com", token: "a.b-c_d", publicUrl: "https://photos.example.com" };

test("both mails hold the link to the page and the token alone", () => {
  for (const [message, page] of [
    [verifyMessage(mail), "verify"],
    [resetMessage(mail), "reset"],
  ] as const) {
    const link = `https://photos.example.com/#/${page}?token=a.b-c_d`;
    expect(message.to).toBe(mail.to);
    expect(message.text.split("\n")).toContain(link);
    expect(message.text.split("\n")).toContain(mail.token);
    expect(message.html).toContain(`<a href="${link}">`);
    expect(message.html).toContain(`<code>${mail.token}</code>`);
  }
});

test("whatever the token holds stays text, and out of the subject", () => {
  const { html, text, subject } = verifyMessage({ ...mail, token: `"><script>&#\r\n` });
  expect(html).not.toContain("<script>");
  expect(html).toContain("token=%22%3E%3Cscript%3E%26%23%0D%0A");
  expect(text).toContain("token=%22%3E%3Cscript%3E%26%23%0D%0A");
  expect(subject).toBe("Confirm your e-mail address");
});

test("without a mail server the mail is printed with its token", () => {
  const printed: string[] = [];
  createConsoleMailer((text) => printed.push(text)).send(resetMessage(mail));
  expect(printed).toHaveLength(1);
  expect(printed[0]).toContain("Mail to ann@example.com: Set a new password");
  expect(printed[0]).toContain("a.b-c_d\n");
  expect(printed[0]).not.toContain("<p>");
});
