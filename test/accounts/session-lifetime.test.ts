import { expect, test } from "bun:test";

import { createSessions } from "../../src/accounts/sessions.ts";
import { createBackground } from "../../src/concurrency/background-tasks.ts";
import type { Database } from "../../src/database/database.ts";
import { addAccount, onEachDatabase } from "../support/databases.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

onEachDatabase("the lifetime of a session", (open) => {
  /** Sessions of 30 days, with a clock that the test moves. */
  async function start(
    changes: (sessions: Database["sessions"]) => Partial<Database["sessions"]> = () => ({}),
  ) {
    const database = await open();
    const clock = { ms: Date.UTC(2031, 4, 6) };
    const failures: unknown[] = [];
    const background = createBackground({ error: (_, { error }) => failures.push(error) });
    const writes: Date[] = [];
    const { sessions } = database;
    const extend: typeof sessions.extend = async (use, unusedSince) => {
      writes.push(use.lastUsedAt);
      await sessions.extend(use, unusedSince);
    };
    const services = { database: { sessions: { ...sessions, extend, ...changes(sessions) } }, background };
    const node = () => createSessions(services, 30 * 86_400, () => clock.ms);
    const ada = await addAccount(database);
    const subject = node();
    const token = await subject.begin(ada, null);
    const use = async (by = subject) => {
      const found = await by.find(token);
      await background.drain();
      return found;
    };
    const expiry = async () => (await sessions.list(ada.id, new Date(0)))[0]?.expiresAt.getTime();
    return { clock, failures, writes, node, use, expiry, find: () => subject.find(token) };
  }

  test("sessions: expire 30 days after their last use, to the millisecond", async () => {
    const { clock, use, expiry } = await start();
    const began = clock.ms;
    expect(await expiry()).toBe(began + 30 * day);
    clock.ms = began + 30 * day - 1;
    expect(await use()).toBeDefined();
    expect(await expiry()).toBe(clock.ms + 30 * day);
    clock.ms += 30 * day;
    expect(await use()).toBeUndefined();
  });

  test("sessions: never outlive a year, however often they are used", async () => {
    const { clock, use, expiry } = await start();
    const end = clock.ms + 365 * day;
    for (; clock.ms < end; clock.ms += 20 * day) expect(await use()).toBeDefined();
    expect(await expiry()).toBe(end);
    clock.ms = end - 1;
    expect(await use()).toBeDefined();
    clock.ms = end;
    expect(await use()).toBeUndefined();
  });

  test("sessions: record a use at most every ten minutes, of concurrent requests only one", async () => {
    const { clock, use, writes } = await start();
    for (let i = 0; i < 59; i++) {
      clock.ms += minute;
      await Promise.all([use(), use(), use()]);
    }
    expect(writes).toHaveLength(5);
    expect(writes[1]!.getTime() - writes[0]!.getTime()).toBe(10 * minute);
  });

  test("sessions: a node does not record a use again that another node has just recorded", async () => {
    const { clock, use, writes, node, expiry } = await start();
    const other = node();
    clock.ms += 10 * minute;
    await use();
    const recorded = await expiry();
    clock.ms += minute;
    await use(other);
    expect([writes.length, await expiry()]).toEqual([1, recorded]);
  });

  test("sessions: a use that cannot be recorded fails no request, and is tried again ten minutes later", async () => {
    let attempts = 0;
    const fail = async () => {
      attempts++;
      throw new Error("the disk is full");
    };
    const { clock, use, failures } = await start(() => ({ extend: fail }));
    for (let i = 0; i < 25; i++) {
      clock.ms += minute;
      expect(await use()).toBeDefined();
    }
    expect([attempts, failures.length]).toEqual([2, 2]);
  });

  test("sessions: a look-up does not wait for the record of its use", async () => {
    const never = new Promise<void>(() => {});
    const { clock, find } = await start(() => ({ extend: () => never }));
    clock.ms += 10 * minute;
    expect(await find()).toMatchObject({ isExtended: true });
  });
});
