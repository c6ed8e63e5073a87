CREATE TABLE `rendition_jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`post_id` text NOT NULL,
	`kind` text NOT NULL,
	`user_id` text NOT NULL,
	`version` integer NOT NULL,
	`state` text NOT NULL,
	`due_at` integer NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`lease` text,
	FOREIGN KEY (`post_id`) REFERENCES `posts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `rendition_jobs_post` ON `rendition_jobs` (`post_id`,`kind`);--> statement-breakpoint
CREATE INDEX `rendition_jobs_due` ON `rendition_jobs` (`kind`,`user_id`,`due_at`) WHERE state <> 'failed';--> statement-breakpoint
ALTER TABLE `posts` ADD `display_url` text;--> statement-breakpoint
ALTER TABLE `posts` ADD `placeholder` text;--> statement-breakpoint
ALTER TABLE `posts` ADD `processing` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `posts` ADD `rendition_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `posts` ADD `duration_seconds` real;