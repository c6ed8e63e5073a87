CREATE TABLE `resumable_uploads` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`folder` text NOT NULL,
	`node_url` text,
	`length` integer NOT NULL,
	`offset` integer DEFAULT 0 NOT NULL,
	`metadata` text,
	`sha256` text,
	`post_id` text,
	`expires_at` integer NOT NULL,
	`lease` text,
	`lease_until` integer,
	`lease_wanted` integer DEFAULT false NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `resumable_uploads_user` ON `resumable_uploads` (`user_id`);--> statement-breakpoint
CREATE INDEX `resumable_uploads_folder` ON `resumable_uploads` (`folder`);--> statement-breakpoint
CREATE INDEX `resumable_uploads_expiry` ON `resumable_uploads` (`expires_at`);