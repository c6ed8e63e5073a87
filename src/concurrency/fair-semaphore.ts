import { ApiError } from "../errors.ts";

/**
 * Lets a bounded number of expensive tasks run at once. Tasks that wait take turns by the parties they belong to (an
 * account, a network): the next one to run is the one whose parties were served longest ago, so that a party with forty
 * waiting tasks delays everybody else by one task, not by forty.
 */
export interface FairSemaphore {
  /**
   * Runs the task as soon as it is its turn.
   * @param parties names of those the task belongs to; one name never means two parties
   * @throws ApiError OVERLOADED when the queue is full, or one of the parties has all the places it may hold: at once, or
   * later, when the place is needed by a party that holds fewer. Otherwise whatever the task throws
   */
  run<Result>(parties: readonly string[], task: () => Promise<Result>): Promise<Result>;
  /** Tasks that run or wait. */
  pending(): number;
}

export interface FairSemaphoreLimits {
  /** Tasks that run at once. */
  readonly concurrency: number;
  /** Tasks that may wait beside them. */
  readonly queueLimit: number;
  /** Places, running or waiting, that one party may hold. */
  readonly partyLimit: number;
}

interface Waiting {
  readonly parties: readonly Party[];
  readonly start: () => void;
  readonly refuse: (error: ApiError) => void;
}

interface Party {
  readonly name: string;
  /** Tasks of this party that run or wait. */
  places: number;
  /** Number of the turn in which it was last served; 0: not since its first task that still runs or waits. */
  lastTurn: number;
}

/** Creates a semaphore that holds nothing yet. */
export function createFairSemaphore({
  concurrency,
  queueLimit,
  partyLimit,
}: FairSemaphoreLimits): FairSemaphore {
  /** Only parties with a task that runs or waits, so that the map is bounded by the limits. */
  const parties = new Map<string, Party>();
  /** In order of arrival. A queue is short: a scan costs nothing beside the tasks that semaphores are for. */
  let waiting: Waiting[] = [];
  let running = 0;
  let turn = 0;

  /** The places held by the smallest of the parties: what a task may be asked to give up for somebody else. */
  const share = (of: readonly Party[]) => Math.min(...of.map(({ places }) => places));

  function partyNamed(name: string): Party {
    const party = parties.get(name) ?? { name, places: 0, lastTurn: 0 };
    parties.set(name, party);
    return party;
  }

  function leave(of: readonly Party[]): void {
    for (const party of of) {
      party.places -= 1;
      if (party.places === 0) parties.delete(party.name);
    }
  }

  /** Makes room for a task of `newcomers` by refusing the latest task of whoever holds clearly more places. */
  function evict(newcomers: readonly Party[], candidates: readonly Waiting[]): boolean {
    let heaviest: Waiting | undefined;
    for (const candidate of candidates)
      if (!heaviest || share(candidate.parties) >= share(heaviest.parties)) heaviest = candidate;
    if (!heaviest || share(heaviest.parties) <= share(newcomers) + 1) return false;
    waiting = waiting.filter((other) => other !== heaviest);
    leave(heaviest.parties);
    heaviest.refuse(new ApiError("OVERLOADED"));
    return true;
  }

  function makeRoom(newcomers: readonly Party[]): boolean {
    for (const full of newcomers.filter(({ places }) => places >= partyLimit))
      if (
        !evict(
          newcomers,
          waiting.filter(({ parties: those }) => those.includes(full)),
        )
      )
        return false;
    return running < concurrency || waiting.length < queueLimit || evict(newcomers, waiting);
  }

  function takeTurn(of: readonly Party[]): void {
    turn += 1;
    for (const party of of) party.lastTurn = turn;
  }

  /** The waiting task whose most recently served party was served longest ago; then by its other parties, then by age. */
  function next(): Waiting | undefined {
    const turns = ({ parties: of }: Waiting) => of.map(({ lastTurn }) => lastTurn).sort((a, b) => b - a);
    let first: Waiting | undefined;
    for (const candidate of waiting) {
      if (!first) {
        first = candidate;
        continue;
      }
      const [ours, theirs] = [turns(candidate), turns(first)];
      const differs = ours.findIndex((value, i) => value !== theirs[i]);
      if (differs !== -1 && ours[differs]! < (theirs[differs] ?? Number.POSITIVE_INFINITY)) first = candidate;
    }
    waiting = waiting.filter((other) => other !== first);
    return first;
  }

  return {
    async run(names, task) {
      const of = [...new Set(names)].map(partyNamed);
      if (!makeRoom(of)) {
        for (const { name, places } of of) if (places === 0) parties.delete(name);
        throw new ApiError("OVERLOADED");
      }
      for (const party of of) party.places += 1;
      if (running < concurrency) {
        running += 1;
        takeTurn(of);
      } else await new Promise<void>((start, refuse) => waiting.push({ parties: of, start, refuse }));
      try {
        return await task();
      } finally {
        leave(of);
        // The permit passes on without becoming free, so that no later task slips in between.
        const successor = next();
        if (successor) {
          takeTurn(successor.parties);
          successor.start();
        } else running -= 1;
      }
    },
    pending: () => running + waiting.length,
  };
}
