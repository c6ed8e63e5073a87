CREATE TABLE `imported_ids` (
	`id` text PRIMARY KEY NOT NULL
);
