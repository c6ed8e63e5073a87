CREATE TABLE "resumable_uploads" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"folder" text collate "C" NOT NULL,
	"node_url" text,
	"length" bigint NOT NULL,
	"offset" bigint DEFAULT 0 NOT NULL,
	"metadata" text,
	"sha256" text,
	"post_id" text collate "C",
	"expires_at" timestamp (3) with time zone NOT NULL,
	"lease" text collate "C",
	"lease_until" timestamp (3) with time zone,
	"lease_wanted" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
ALTER TABLE "resumable_uploads" ADD CONSTRAINT "resumable_uploads_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "resumable_uploads_user" ON "resumable_uploads" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "resumable_uploads_folder" ON "resumable_uploads" USING btree ("folder");--> statement-breakpoint
CREATE INDEX "resumable_uploads_expiry" ON "resumable_uploads" USING btree ("expires_at");