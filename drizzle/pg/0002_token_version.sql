ALTER TABLE "users" ADD COLUMN "token_version" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "min_access_version" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
-- Tokens ended by time stay dead. They live one hour: whatever was ended more than a day ago has expired on any clock,
-- and those accounts need not sign in again.
UPDATE "users" SET "token_version" = 1, "min_access_version" = 1
WHERE "tokens_valid_from" > now() - interval '1 day';--> statement-breakpoint
-- For upgrades one node after the other: what a node of either version ends is ended on nodes of both.
CREATE FUNCTION "users_end_tokens"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF new."token_version" <> old."token_version" THEN
    IF new."min_access_version" <> old."min_access_version" THEN
      new."tokens_valid_from" := greatest(old."tokens_valid_from", clock_timestamp());
    END IF;
  ELSIF new."tokens_valid_from" <> old."tokens_valid_from" THEN
    new."token_version" := old."token_version" + 1;
    new."min_access_version" := new."token_version";
  ELSIF new."email" <> old."email" THEN
    new."token_version" := old."token_version" + 1;
  END IF;
  RETURN new;
END $$;--> statement-breakpoint
CREATE TRIGGER "users_end_tokens" BEFORE UPDATE ON "users" FOR EACH ROW EXECUTE FUNCTION "users_end_tokens"();
