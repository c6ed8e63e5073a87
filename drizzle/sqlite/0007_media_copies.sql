CREATE TABLE `media_copies` (
	`id` text PRIMARY KEY NOT NULL,
	`post_id` text NOT NULL,
	`store` text NOT NULL,
	`key` text NOT NULL,
	`store_id` text,
	`file_type` text NOT NULL,
	`rendition_version` integer NOT NULL,
	`lease` text,
	`lease_until` integer,
	`due_at` integer NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `media_copies_post` ON `media_copies` (`post_id`,`store`);--> statement-breakpoint
CREATE INDEX `media_copies_due` ON `media_copies` (`due_at`);