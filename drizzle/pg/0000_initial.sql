CREATE TABLE "posts" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"user_id" text collate "C",
	"caption" text NOT NULL,
	"file_type" text NOT NULL,
	"file_name" text NOT NULL,
	"state" text NOT NULL,
	"store" text NOT NULL,
	"key" text collate "C" NOT NULL,
	"store_id" text,
	"url" text,
	"thumbnail_url" text,
	"content_type" text NOT NULL,
	"bytes" bigint NOT NULL,
	"width" integer,
	"height" integer,
	"sha256" text NOT NULL,
	"upload_key" text,
	"reserved_at" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone,
	"attempts" integer DEFAULT 0 NOT NULL,
	"retry_at" timestamp (3) with time zone,
	CONSTRAINT "posts_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "revoked_tokens" (
	"token_id" text PRIMARY KEY NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"email_key" text NOT NULL,
	"hashed_password" text NOT NULL,
	"is_active" boolean NOT NULL,
	"is_superuser" boolean NOT NULL,
	"is_verified" boolean NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"tokens_valid_from" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "users_email_key_unique" UNIQUE("email_key")
);
--> statement-breakpoint
ALTER TABLE "posts" ADD CONSTRAINT "posts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "posts_feed" ON "posts" USING btree ("created_at","id") WHERE state = 'published';--> statement-breakpoint
CREATE INDEX "posts_user" ON "posts" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "posts_unfinished" ON "posts" USING btree ("state","retry_at") WHERE state <> 'published';--> statement-breakpoint
CREATE UNIQUE INDEX "posts_upload_key" ON "posts" USING btree ("user_id","upload_key") WHERE upload_key is not null;--> statement-breakpoint
CREATE INDEX "revoked_tokens_expiry" ON "revoked_tokens" USING btree ("expires_at");