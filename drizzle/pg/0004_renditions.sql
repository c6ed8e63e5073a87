CREATE TABLE "rendition_jobs" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"post_id" text collate "C" NOT NULL,
	"kind" text NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"state" text NOT NULL,
	"due_at" timestamp (3) with time zone NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"lease" text collate "C"
);
--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "display_url" text;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "placeholder" text;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "processing" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "rendition_version" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "duration_seconds" double precision;--> statement-breakpoint
ALTER TABLE "rendition_jobs" ADD CONSTRAINT "rendition_jobs_post_id_posts_id_fk" FOREIGN KEY ("post_id") REFERENCES "public"."posts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "rendition_jobs_post" ON "rendition_jobs" USING btree ("post_id","kind");--> statement-breakpoint
CREATE INDEX "rendition_jobs_due" ON "rendition_jobs" USING btree ("kind","user_id","due_at") WHERE state <> 'failed';