import { expect, test } from "bun:test";

import { createOutbox } from "../../src/mail/outbox.ts";

test("outbox: delivers four mails at once, in the order in which they were sent", async () => {
  const started: string[] = [];
  let running = 0;
  let maxRunning = 0;
  const outbox = createOutbox({
    async deliver({ to }) {
      started.push(to);
      maxRunning = Math.max(maxRunning, ++running);
      await new Promise<void>((resolve) => setImmediate(resolve));
      running -= 1;
    },
    explain: expect.unreachable,
    log: { info: () => {}, warn: expect.unreachable },
  });
  const recipients = Array.from({ length: 10 }, (_, i) => `${i}@example.com`);
  for (const to of recipients) outbox.send({ to, subject: "", text: "", html: "" });
  await outbox.close();
  expect(started).toEqual(recipients);
  expect(maxRunning).toBe(4);
});
