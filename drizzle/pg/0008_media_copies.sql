CREATE TABLE "media_copies" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"post_id" text collate "C" NOT NULL,
	"store" text NOT NULL,
	"key" text collate "C" NOT NULL,
	"store_id" text,
	"file_type" text NOT NULL,
	"rendition_version" integer NOT NULL,
	"lease" text collate "C",
	"lease_until" timestamp (3) with time zone,
	"due_at" timestamp (3) with time zone NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "media_copies_post" ON "media_copies" USING btree ("post_id","store");--> statement-breakpoint
CREATE INDEX "media_copies_due" ON "media_copies" USING btree ("due_at");