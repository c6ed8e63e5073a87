import { createFairSemaphore } from "../concurrency/fair-semaphore.ts";
import type { Mailer, MailMessage } from "./mailer.ts";

/** The log of deliveries. Its fields never contain the body, the token or the full address of a mail. */
export interface MailLog {
  info(event: string, fields: Record<string, unknown>): void;
  warn(event: string, fields: Record<string, unknown>): void;
}

export interface OutboxOptions {
  /** Attempts one delivery. Rejects with an error for {@link OutboxOptions.explain}. */
  deliver(message: MailMessage): Promise<unknown>;
  /** Describes an error for the log, and says whether another attempt may succeed. */
  explain(error: unknown): { temporary: boolean; fields: Record<string, unknown> };
  log: MailLog;
  /** Delays before the second, third, … attempt. */
  retryDelaysMs?: readonly number[];
  /** Mails in the outbox, including those waiting for another attempt. More are dropped. */
  capacity?: number;
  /** The longest that closing waits for deliveries. */
  drainMs?: number;
}

/** Mails delivered at once. */
const concurrency = 4;

/** Creates a mailer that delivers in the background, a few mails at once, and retries after temporary failures. */
export function createOutbox({
  deliver,
  explain,
  log,
  retryDelaysMs = [1_000, 10_000, 60_000, 300_000],
  capacity = 500,
  drainMs = 5_000,
}: OutboxOptions): Mailer {
  const semaphore = createFairSemaphore({ concurrency, queueLimit: capacity });
  const deliveries = new Set<Promise<void>>();
  const closing = Promise.withResolvers<void>();
  let closed = false;

  async function deliverWithRetries(message: MailMessage): Promise<void> {
    const domain = domainOf(message);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await semaphore.run([], () => deliver(message));
        log.info("mail.sent", { domain, tries: attempt });
        return;
      } catch (error) {
        const { temporary, fields } = explain(error);
        const delayMs = retryDelaysMs[attempt - 1];
        if (!temporary || delayMs === undefined || closed) {
          log.warn("mail.failed", { domain, tries: attempt, ...fields });
          return;
        }
        log.info("mail.delayed", { domain, tries: attempt, ...fields });
        await waitFor(closing.promise, delayMs);
      }
    }
  }

  return {
    send(message) {
      if (closed || deliveries.size >= capacity) {
        log.warn("mail.dropped", { domain: domainOf(message), reason: closed ? "closed" : "full" });
        return;
      }
      const delivery = deliverWithRetries(message).finally(() => deliveries.delete(delivery));
      deliveries.add(delivery);
    },
    /** Mails that wait for another attempt get their last one at once. */
    async close() {
      closed = true;
      closing.resolve();
      await waitFor(Promise.all(deliveries), drainMs);
      if (deliveries.size > 0) log.warn("mail.lost", { mails: deliveries.size });
    },
  };
}

const domainOf = ({ to }: MailMessage): string => to.slice(to.lastIndexOf("@") + 1);

/** Waits for an event, but no longer than the timeout, and leaves no timer behind. */
async function waitFor(event: Promise<unknown>, timeoutMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  await Promise.race([promise, event]);
  clearTimeout(timer);
}
