import { ApiError } from "../errors.ts";

/**
 * A semaphore with a bounded queue. Waiting tasks take turns by the parties that they belong to, such as an account or a
 * network: the next task is the one whose parties were served longest ago. A party with forty waiting tasks therefore
 * delays every other party by one task, not by forty. Among equals, the first to arrive is the first to run.
 */
export interface FairSemaphore {
  /**
   * Runs a task when its turn comes.
   * @param parties unique names of the parties that the task belongs to; may be empty
   * @param signal aborts the wait; it does not affect a task that runs
   * @throws ApiError OVERLOADED when the queue is full or a party has reached its limit, either at once or later, when a
   * party with fewer places needs the place; the signal's reason when the wait is aborted; any error of the task
   */
  run<Result>(parties: readonly string[], task: () => Promise<Result>, signal?: AbortSignal): Promise<Result>;
  /** Returns the number of running and waiting tasks. */
  pending(): number;
}

export interface FairSemaphoreLimits {
  /** The maximum number of running tasks. */
  readonly concurrency: number;
  /** More tasks that may run for parties without a running task, so that long tasks of others do not block them. */
  readonly reserve?: number;
  /** The maximum number of waiting tasks. */
  readonly queueLimit: number;
  /** The maximum number of running and waiting tasks of one party; unlimited if omitted. */
  readonly partyLimit?: number;
}

interface Task {
  readonly parties: readonly Party[];
  readonly start: () => void;
  readonly reject: (error: unknown) => void;
}

interface Party {
  readonly name: string;
  /** The number of running and waiting tasks. */
  places: number;
  running: number;
  /** The number of the turn in which a task of this party last started; 0 if none has. */
  lastTurn: number;
}

export function createFairSemaphore({
  concurrency,
  reserve = 0,
  queueLimit,
  partyLimit = Number.POSITIVE_INFINITY,
}: FairSemaphoreLimits): FairSemaphore {
  /** The parties with running or waiting tasks, so that the limits bound the size of the map. */
  const parties = new Map<string, Party>();
  /** In order of arrival. Scanning a queue of some hundred tasks is cheap compared to the tasks themselves. */
  let waiting: Task[] = [];
  let running = 0;
  let turn = 0;

  const mayStart = (taskParties: readonly Party[]) =>
    running < concurrency ||
    (running < concurrency + reserve && taskParties.every((party) => party.running === 0));

  /** Starts waiting tasks in the order of their turns until no further task may start. */
  function dispatch(): void {
    for (;;) {
      const next = waiting
        .filter((task) => mayStart(task.parties))
        .reduce<Task | undefined>(nextInTurn, undefined);
      if (!next) return;
      waiting = waiting.filter((task) => task !== next);
      running += 1;
      turn += 1;
      for (const party of next.parties) {
        party.running += 1;
        party.lastTurn = turn;
      }
      next.start();
    }
  }

  /**
   * Rejects the latest of the waiting tasks with the largest share, if the new task's share would still be smaller.
   * @returns whether a task was rejected
   */
  function evict(newParties: readonly Party[], candidates: readonly Task[]): boolean {
    const largest = candidates.reduce<Task | undefined>(
      (found, task) => (found && share(task.parties) < share(found.parties) ? found : task),
      undefined,
    );
    if (!largest || share(largest.parties) <= share(newParties) + 1) return false;
    withdraw(largest, new ApiError("OVERLOADED"));
    return true;
  }

  /** Rejects a task if it is still waiting. */
  function withdraw(task: Task, reason: unknown): void {
    if (!waiting.includes(task)) return;
    waiting = waiting.filter((other) => other !== task);
    leave(task.parties);
    task.reject(reason);
  }

  /** Makes room for a task of these parties if necessary. @returns whether there is room */
  function makeRoom(newParties: readonly Party[]): boolean {
    for (const party of newParties) {
      // Evicting a task for one party may also have made room in the others, because networks are nested.
      if (party.places < partyLimit) continue;
      const candidates = waiting.filter((task) => task.parties.includes(party));
      if (!evict(newParties, candidates)) return false;
    }
    return mayStart(newParties) || waiting.length < queueLimit || evict(newParties, waiting);
  }

  function partyNamed(name: string): Party {
    const party = parties.get(name) ?? { name, places: 0, running: 0, lastTurn: 0 };
    parties.set(name, party);
    return party;
  }

  function leave(taskParties: readonly Party[]): void {
    for (const party of taskParties) party.places -= 1;
    removeIdle(taskParties);
  }

  function removeIdle(taskParties: readonly Party[]): void {
    for (const { name, places } of taskParties) if (places === 0) parties.delete(name);
  }

  return {
    async run(names, task, signal) {
      signal?.throwIfAborted();
      const taskParties = [...new Set(names)].map(partyNamed);
      if (!makeRoom(taskParties)) {
        removeIdle(taskParties);
        throw new ApiError("OVERLOADED");
      }
      for (const party of taskParties) party.places += 1;
      const { promise: started, resolve: start, reject } = Promise.withResolvers<void>();
      const newTask = { parties: taskParties, start, reject };
      waiting.push(newTask);
      dispatch();
      // A task that does not have to wait starts synchronously.
      if (waiting.includes(newTask)) {
        const abort = () => withdraw(newTask, signal?.reason);
        signal?.addEventListener("abort", abort, { once: true });
        await started.finally(() => signal?.removeEventListener("abort", abort));
      }
      try {
        return await task();
      } finally {
        running -= 1;
        for (const party of taskParties) party.running -= 1;
        leave(taskParties);
        dispatch();
      }
    },
    pending: () => running + waiting.length,
  };
}

/** The number of places that the smallest of a task's parties holds. */
const share = (parties: readonly Party[]) => Math.min(...parties.map(({ places }) => places));

/**
 * Returns the task that runs next: compares when each task's most recently served party had its last turn, and after a tie
 * the turns of their other parties.
 */
function nextInTurn(first: Task | undefined, second: Task): Task {
  if (!first) return second;
  const turns = ({ parties }: Task) => parties.map(({ lastTurn }) => lastTurn).sort((a, b) => b - a);
  const [firstTurns, secondTurns] = [turns(first), turns(second)];
  const index = firstTurns.findIndex((turn, i) => turn !== secondTurns[i]);
  return index !== -1 && secondTurns[index]! < firstTurns[index]! ? second : first;
}
