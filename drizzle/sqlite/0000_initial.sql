CREATE TABLE `posts` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text,
	`caption` text NOT NULL,
	`file_type` text NOT NULL,
	`file_name` text NOT NULL,
	`state` text NOT NULL,
	`store` text NOT NULL,
	`key` text NOT NULL,
	`store_id` text,
	`url` text,
	`thumbnail_url` text,
	`content_type` text NOT NULL,
	`bytes` integer NOT NULL,
	`width` integer,
	`height` integer,
	`sha256` text NOT NULL,
	`upload_key` text,
	`reserved_at` integer NOT NULL,
	`created_at` integer,
	`attempts` integer DEFAULT 0 NOT NULL,
	`retry_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE set null
);
--> statement-breakpoint
CREATE UNIQUE INDEX `posts_key_unique` ON `posts` (`key`);--> statement-breakpoint
CREATE INDEX `posts_feed` ON `posts` (`created_at`,`id`) WHERE state = 'published';--> statement-breakpoint
CREATE INDEX `posts_user` ON `posts` (`user_id`);--> statement-breakpoint
CREATE INDEX `posts_unfinished` ON `posts` (`state`,`retry_at`) WHERE state <> 'published';--> statement-breakpoint
CREATE UNIQUE INDEX `posts_upload_key` ON `posts` (`user_id`,`upload_key`) WHERE upload_key is not null;--> statement-breakpoint
CREATE TABLE `revoked_tokens` (
	`token_id` text PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `revoked_tokens_expiry` ON `revoked_tokens` (`expires_at`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`email` text NOT NULL,
	`email_key` text NOT NULL,
	`hashed_password` text NOT NULL,
	`is_active` integer NOT NULL,
	`is_superuser` integer NOT NULL,
	`is_verified` integer NOT NULL,
	`created_at` integer NOT NULL,
	`tokens_valid_from` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_email_key_unique` ON `users` (`email_key`);