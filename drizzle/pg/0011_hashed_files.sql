DROP INDEX "posts_file";--> statement-breakpoint
CREATE INDEX "posts_file" ON "posts" USING btree ("sha256","user_id") WHERE sha256 <> '';