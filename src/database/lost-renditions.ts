import type { Database } from "bun:sqlite";

/** Which renditions of a post are no longer stored. */
export interface LostRenditions {
  readonly id: string;
  readonly thumbnail: boolean;
  readonly display: boolean;
}

/**
 * Prepares the removal of renditions from a database that no service uses, which adds the jobs that make them again.
 * @param canMakeVideos whether to add the jobs of videos. Without ffmpeg they would never run.
 */
export function renditionRemover(client: Database, canMakeVideos = true): (lost: LostRenditions) => void {
  // An image stands in for its thumbnail until that is made.
  const forgetThumbnail = client.query(
    "update posts set thumbnail_url = case file_type when 'image' then url end where id = ?",
  );
  const forgetDisplay = client.query("update posts set display_url = null where id = ?");
  const addJob = client.query(
    `insert into rendition_jobs (id, post_id, kind, user_id, version, state, due_at)
     select ?1, id, case file_type when 'image' then 'picture' else ?2 end, user_id, rendition_version, 'waiting', ?3
     from posts where id = ?4 and user_id is not null and (file_type = 'image' or ?5)
     on conflict (post_id, kind) do update set state = 'waiting', due_at = ?3, attempts = 0 where state = 'failed'`,
  );
  const setProcessing = client.query(
    `update posts set processing =
       exists (select 1 from rendition_jobs where post_id = posts.id and state <> 'failed') where id = ?`,
  );
  return client.transaction(({ id, thumbnail, display }: LostRenditions) => {
    const now = Date.now();
    if (thumbnail) forgetThumbnail.run(id);
    if (thumbnail) addJob.run(Bun.randomUUIDv7(), "poster", now, id, canMakeVideos);
    if (display) forgetDisplay.run(id);
    if (display) addJob.run(Bun.randomUUIDv7(), "mp4", now, id, canMakeVideos);
    setProcessing.run(id);
  });
}
