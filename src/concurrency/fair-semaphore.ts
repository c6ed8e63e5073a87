import { ApiError } from "../errors.ts";

/**
 * Lets a bounded number of expensive tasks run at once. Tasks that wait take turns by the parties they belong to (an
 * account, a network): the next one to run is the one whose parties were served longest ago, so that a party with forty
 * waiting tasks delays every other party by one task, not by forty.
 */
export interface FairSemaphore {
  /**
   * Runs the task as soon as it is its turn.
   * @param parties names of those the task belongs to; one name never means two parties
   * @param signal a task that still waits when it aborts never runs
   * @throws ApiError OVERLOADED when the queue is full, or one of the parties has all the places it may hold: at once, or
   * later, when the place is needed by a party that holds fewer; the signal's reason; otherwise whatever the task throws
   */
  run<Result>(parties: readonly string[], task: () => Promise<Result>, signal?: AbortSignal): Promise<Result>;
  /** Tasks that run or wait. */
  pending(): number;
}

export interface FairSemaphoreLimits {
  /** Tasks that run at once. */
  readonly concurrency: number;
  /** More tasks that may run at once, for parties that run none: they get past the long tasks of others. */
  readonly reserve?: number;
  /** Tasks that may wait. */
  readonly queueLimit: number;
  /** Places, running or waiting, that one party may hold; as many as there are when left out. */
  readonly partyLimit?: number;
}

interface Task {
  readonly parties: readonly Party[];
  readonly start: () => void;
  readonly refuse: (error: unknown) => void;
}

interface Party {
  readonly name: string;
  /** Tasks of this party that run or wait. */
  places: number;
  running: number;
  /** The turn in which it was last served; 0 before the first. */
  lastTurn: number;
}

/** Creates a semaphore that holds nothing yet. */
export function createFairSemaphore({
  concurrency,
  reserve = 0,
  queueLimit,
  partyLimit = Number.POSITIVE_INFINITY,
}: FairSemaphoreLimits): FairSemaphore {
  /** Only parties with a task that runs or waits, so that the map is bounded by the limits. */
  const parties = new Map<string, Party>();
  /** In order of arrival. A queue is short: a scan costs nothing beside the tasks that semaphores are for. */
  let waiting: Task[] = [];
  let running = 0;
  let turn = 0;

  const mayStart = (of: readonly Party[]) =>
    running < concurrency || (running < concurrency + reserve && of.every((party) => party.running === 0));

  /** Starts waiting tasks in their order for as long as one may. */
  function dispatch(): void {
    for (;;) {
      const next = waiting
        .filter((task) => mayStart(task.parties))
        .reduce<Task | undefined>(earlier, undefined);
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

  /** Makes room for a task of `newcomers` by refusing the latest waiting task of parties that hold clearly more places. */
  function evict(newcomers: readonly Party[], candidates: readonly Task[]): boolean {
    const heaviest = candidates.reduce<Task | undefined>(
      (found, task) => (found && share(task.parties) < share(found.parties) ? found : task),
      undefined,
    );
    if (!heaviest || share(heaviest.parties) <= share(newcomers) + 1) return false;
    withdraw(heaviest, new ApiError("OVERLOADED"));
    return true;
  }

  /** Refuses a task where it still waits. */
  function withdraw(task: Task, reason: unknown): void {
    if (!waiting.includes(task)) return;
    waiting = waiting.filter((other) => other !== task);
    leave(task.parties);
    task.refuse(reason);
  }

  function makeRoom(newcomers: readonly Party[]): boolean {
    for (const party of newcomers) {
      // A task refused for one party may have made room in the others too: networks lie within larger ones.
      if (party.places < partyLimit) continue;
      const candidates = waiting.filter((task) => task.parties.includes(party));
      if (!evict(newcomers, candidates)) return false;
    }
    return mayStart(newcomers) || waiting.length < queueLimit || evict(newcomers, waiting);
  }

  function partyNamed(name: string): Party {
    const party = parties.get(name) ?? { name, places: 0, running: 0, lastTurn: 0 };
    parties.set(name, party);
    return party;
  }

  function leave(of: readonly Party[]): void {
    for (const party of of) party.places -= 1;
    forgetIdle(of);
  }

  function forgetIdle(of: readonly Party[]): void {
    for (const { name, places } of of) if (places === 0) parties.delete(name);
  }

  return {
    async run(names, task, signal) {
      signal?.throwIfAborted();
      const of = [...new Set(names)].map(partyNamed);
      if (!makeRoom(of)) {
        forgetIdle(of);
        throw new ApiError("OVERLOADED");
      }
      for (const party of of) party.places += 1;
      const { promise: turnCame, resolve: start, reject: refuse } = Promise.withResolvers<void>();
      const newTask = { parties: of, start, refuse };
      waiting.push(newTask);
      dispatch();
      // A task that need not wait starts at once.
      if (waiting.includes(newTask)) {
        const abort = () => withdraw(newTask, signal?.reason);
        signal?.addEventListener("abort", abort, { once: true });
        await turnCame.finally(() => signal?.removeEventListener("abort", abort));
      }
      try {
        return await task();
      } finally {
        running -= 1;
        for (const party of of) party.running -= 1;
        leave(of);
        dispatch();
      }
    },
    pending: () => running + waiting.length,
  };
}

/** The places held by the smallest of a task's parties. A task with a large share is refused first. */
const share = (of: readonly Party[]) => Math.min(...of.map(({ places }) => places));

/** Which of two tasks is next: the one whose most recently served party was served longer ago; then by its other parties. */
function earlier(first: Task | undefined, second: Task): Task {
  if (!first) return second;
  const turns = ({ parties }: Task) => parties.map(({ lastTurn }) => lastTurn).sort((a, b) => b - a);
  const [ours, theirs] = [turns(first), turns(second)];
  const differs = ours.findIndex((value, i) => value !== theirs[i]);
  return differs !== -1 && theirs[differs]! < ours[differs]! ? second : first;
}
