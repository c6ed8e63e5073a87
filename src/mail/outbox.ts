import { createGate } from "../gate.ts";
import type { Mailer, MailMessage } from "./mailer.ts";

/** Where the outbox tells what became of mails: never with body, token or full address. */
export interface MailLog {
  info(event: string, fields: Record<string, unknown>): void;
  warn(event: string, fields: Record<string, unknown>): void;
}

export interface OutboxOptions {
  /** One try; rejects with what {@link OutboxOptions.explain} understands. */
  deliver(message: MailMessage): Promise<unknown>;
  /** What a failure is, fit for the log, and whether another try makes sense. */
  explain(error: unknown): { temporary: boolean; fields: Record<string, unknown> };
  log: MailLog;
  /** Pauses before the second, third, … try. */
  retryDelaysMs?: readonly number[];
  /** Mails held at once, those waiting for another try included. */
  capacity?: number;
  /** How long closing waits for mails on their way. */
  drainMs?: number;
}

/** A mailer that delivers in the background, a few mails at once, and tries again after temporary failures. */
export function createOutbox({
  deliver,
  explain,
  log,
  retryDelaysMs = [1_000, 10_000, 60_000, 300_000],
  capacity = 500,
  drainMs = 5_000,
}: OutboxOptions): Mailer {
  const gate = createGate({ concurrency: 4, queueLimit: Infinity });
  const held = new Set<Promise<void>>();
  const closing = Promise.withResolvers<void>();
  let closed = false;

  async function carry(message: MailMessage): Promise<void> {
    const domain = domainOf(message);
    for (let tries = 1; ; tries += 1) {
      try {
        await gate.pass(() => deliver(message));
        log.info("mail.sent", { domain, tries });
        return;
      } catch (error) {
        const { temporary, fields } = explain(error);
        const delay = retryDelaysMs[tries - 1];
        if (!temporary || delay === undefined || closed) {
          log.warn("mail.failed", { domain, tries, ...fields });
          return;
        }
        log.info("mail.delayed", { domain, tries, ...fields });
        await pause(delay, closing.promise);
      }
    }
  }

  return {
    send(message) {
      if (closed || held.size >= capacity) {
        log.warn("mail.dropped", { domain: domainOf(message), reason: closed ? "closed" : "full" });
        return;
      }
      const carried = carry(message).finally(() => held.delete(carried));
      held.add(carried);
    },
    /** Mails between two tries get their last one now. */
    async close() {
      closed = true;
      closing.resolve();
      await pause(drainMs, Promise.all(held));
      if (held.size > 0) log.warn("mail.lost", { mails: held.size });
    },
  };
}

const domainOf = ({ to }: MailMessage): string => to.slice(to.lastIndexOf("@") + 1);

/** Waits for the time or for `sooner`, and leaves no timer behind. */
async function pause(milliseconds: number, sooner: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await Promise.race([promise, sooner]);
  clearTimeout(timer);
}
