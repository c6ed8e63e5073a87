CREATE TABLE "counters" (
	"key" text collate "C" PRIMARY KEY NOT NULL,
	"used" integer NOT NULL,
	"ends_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "counters_end" ON "counters" USING btree ("ends_at");