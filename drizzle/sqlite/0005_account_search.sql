DROP INDEX `users_newest`;--> statement-breakpoint
CREATE INDEX `users_newest` ON `users` (`created_at`,`id`,`email`,`name`,`is_active`,`is_superuser`,`is_verified`);