ALTER TABLE `users` ADD `token_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `min_access_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
-- Tokens ended by time stay dead. They live one hour: whatever was ended more than a day ago has expired on any clock,
-- and those accounts need not sign in again.
UPDATE `users` SET `token_version` = 1, `min_access_version` = 1
WHERE `tokens_valid_from` > (CAST(strftime('%s', 'now') AS integer) - 86400) * 1000;
