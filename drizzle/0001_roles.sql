-- The gateway works as paycage_app, which owns nothing: it can't alter a table, and row-level security binds it.
-- Lock risk: none. Roles belong to the whole server, so the statement must bear being run again.
DO $$ BEGIN
  -- An owner without the right to make roles is fine where an administrator made this one.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'paycage_app') THEN
    CREATE ROLE paycage_app NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
--> statement-breakpoint
GRANT USAGE ON SCHEMA public TO paycage_app;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO paycage_app;
