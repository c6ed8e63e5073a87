CREATE TABLE "imported_ids" (
	"id" text collate "C" PRIMARY KEY NOT NULL
);
