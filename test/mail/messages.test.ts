import { expect, test } from "bun:test";

import { createConsoleMailer } from "../../src/mail/console-mailer.ts";
import {
  changeNotice,
  identityNotice,
  invitationMessage,
  resetMessage,
  signed,
  verifyMessage,
} from "../../src/mail/messages.ts";

const mail = {
  to: "ann@example.com",
  token: "a.b-c_d",
  lifetime: "one hour",
  baseUrl: "https://photos.example.com",
};

test.each([
  ["verify", "Confirm your email address", verifyMessage(mail)],
  ["reset", "Set a new password", resetMessage(mail)],
])(
  "mails: the %s mail has a reason, one link, and advice for readers who did not ask for it",
  (page, subject, message) => {
    const link = `https://photos.example.com/#/${page}?token=a.b-c_d`;
    expect(message).toMatchObject({ to: mail.to, subject });
    const [why, labelled, ignore, ...more] = message.text.trimEnd().split("\n\n");
    expect(why).toMatch(/your account at photos\.example\.com; the link works for one hour\.$/);
    expect(labelled).toBe(`${subject}:\n${link}`);
    expect(ignore).toMatch(/^If .* ignore this email/);
    expect(more).toEqual(["For developers", "The token by itself:\na.b-c_d"]);
    const paragraphs = [...message.html.matchAll(/<p>(.*?)<\/p>/g)].map(([, inner]) => inner);
    expect(paragraphs).toEqual([
      why!,
      expect.stringMatching(/^<a href="https:[^"]+" style="[^"]+">[^<]+<\/a>$/),
      ignore!,
    ]);
    expect(message.html).toContain(`<a href="${link}" `);
    expect(message.html).toContain(`>${subject}</a>`);
  },
);

test("mails: only the text part contains the token outside the link", () => {
  for (const { html } of [verifyMessage(mail), resetMessage(mail)])
    expect(html.split(mail.token)).toHaveLength(2);
});

test("mails: the link includes the path of PUBLIC_URL", () => {
  const { text } = resetMessage({ ...mail, baseUrl: "https://example.com/photos" });
  expect(text).toContain("\nhttps://example.com/photos/#/reset?token=a.b-c_d\n");
  expect(text).toContain(" example.com");
});

test("mails: escape special characters of a token, and keep it out of the subject", () => {
  const { html, text, subject } = verifyMessage({ ...mail, token: `"><script>&#\r\n` });
  expect(html).not.toContain("<script>");
  expect(html).toContain("token=%22%3E%3Cscript%3E%26%23%0D%0A");
  expect(text).toContain("token=%22%3E%3Cscript%3E%26%23%0D%0A");
  expect(subject).toBe("Confirm your email address");
});

test.each([
  ["Your email address was changed", { email: true, password: false }],
  ["Your password was changed", { email: false, password: true }],
  ["Your email address and password were changed", { email: true, password: true }],
])("mails: the notice %p says what has changed and what to do", (subject, changed) => {
  const { to, baseUrl } = mail;
  const message = changeNotice({ to, changed, baseUrl });
  expect(message).toMatchObject({ to, subject });
  const [fact, ignore, advice, ...more] = message.text.trimEnd().split("\n\n");
  expect(fact).toBe(`${subject.replace("Your", "The")} for your account at photos.example.com.`);
  expect(ignore).toBe("If you made this change, you need not do anything.");
  expect(advice).toMatch(/^If you did not, somebody else /);
  const hasLink = !changed.email;
  expect(message.text.includes("\nhttps://photos.example.com/#/forgot\n")).toBe(hasLink);
  expect(message.html.includes('<a href="https://photos.example.com/#/forgot" ')).toBe(hasLink);
  expect(more).toEqual([]);
});

test("mails: the notice of a linked identity names the provider and leads to the account", () => {
  const { to, baseUrl } = mail;
  const message = identityNotice({ to, provider: "id.example.com", baseUrl: `${baseUrl}/family` });
  expect(message).toMatchObject({ to, subject: "A new way to sign in to your account" });
  const [fact, ignore, advice, ...more] = message.text.trimEnd().split("\n\n");
  expect(fact).toBe("An account at id.example.com can now sign in to your account at photos.example.com.");
  expect(ignore).toBe("If you linked it, you need not do anything.");
  expect(advice).toEndWith(`\n${baseUrl}/family/#/account`);
  expect(more).toEqual([]);
  expect(message.html).toContain(`<a href="${baseUrl}/family/#/account" `);
});

test("console mailer: prints the text of a mail with its token", () => {
  const printed: string[] = [];
  createConsoleMailer((text) => printed.push(text)).send(resetMessage(mail));
  expect(printed).toHaveLength(1);
  expect(printed[0]).toContain("Mail to ann@example.com: Set a new password");
  expect(printed[0]).toContain("a.b-c_d\n");
  expect(printed[0]).not.toContain("<p>");
});

test("mails: an invitation has a link to the page where the account is created", () => {
  const { subject, text } = invitationMessage({ ...mail, lifetime: "7 days" });
  expect(subject).toBe("Create your account");
  expect(text).toStartWith(
    "You are invited to create an account at photos.example.com; the link works for 7 days.\n\n" +
      "Create your account:\nhttps://photos.example.com/#/register?invitation=a.b-c_d\n",
  );
});

test("mails: end with the name of the site, escaped in HTML", () => {
  const { text, html } = signed(verifyMessage(mail), "Ann & <Bob>'s $& photos");
  expect(text).toEndWith("\n-- \nAnn & <Bob>'s $& photos\n");
  expect(html).toContain("<p>Ann &amp; &lt;Bob&gt;&#x27;s $&amp; photos</p>\n</body>");
});
