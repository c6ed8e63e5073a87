import { openOriginalDatabase } from "../../src/database/original-database.ts";
import type { ImportOptions } from "../../src/importing/import-options.ts";
import { importOriginal } from "../../src/importing/import-original.ts";
import { newSummary } from "../../src/importing/import-summary.ts";
import { linkingTarget } from "../../src/importing/import-target.ts";
import type { TestService } from "../support/service.ts";

/** Imports a file into a service, and returns the summary and the named problems. */
export async function importInto(
  { services }: TestService,
  path: string,
  options: Partial<ImportOptions> = {},
) {
  const problems: string[] = [];
  const summary = newSummary();
  const original = openOriginalDatabase(path);
  try {
    await importOriginal(
      original,
      {
        urlEndpoint: null,
        files: undefined,
        target: linkingTarget(services),
        output: { problem: (line) => problems.push(line), progress: () => {} },
        signal: new AbortController().signal,
        ...options,
      },
      summary,
    );
  } finally {
    original.close();
  }
  return { ...summary, problems };
}

/** A post in the feed. */
export interface FeedPost {
  id: string;
  user_id: string;
  caption: string;
  url: string;
  thumbnail_url: string;
  file_type: string;
  file_name: string;
  created_at: string;
  width: number | null;
  bytes: number;
  content_type: string;
}

export async function feedOf(service: TestService, token: string): Promise<FeedPost[]> {
  const { posts } = (await (await service.fetch("/feed?limit=200", { token })).json()) as {
    posts: FeedPost[];
  };
  return posts;
}
