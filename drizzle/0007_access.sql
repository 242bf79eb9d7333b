CREATE TABLE "api_client" (
	"id" text PRIMARY KEY NOT NULL,
	"owner_id" text NOT NULL,
	"name" text NOT NULL,
	"scopes" text NOT NULL,
	"api_version" text,
	"jwks" jsonb,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"disabled_at" timestamp (6) with time zone,
	"tokens_valid_from" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "client_secret" (
	"client_id" text NOT NULL,
	"id" text NOT NULL,
	"hash" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp (6) with time zone,
	"revoked_at" timestamp (6) with time zone,
	CONSTRAINT "client_secret_client_id_id_pk" PRIMARY KEY("client_id","id")
);
--> statement-breakpoint
CREATE TABLE "rate_bucket" (
	"key" text PRIMARY KEY NOT NULL,
	"empty_at_ms" double precision NOT NULL
);
--> statement-breakpoint
CREATE TABLE "revoked_token" (
	"jti" text PRIMARY KEY NOT NULL,
	"client_id" text NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL,
	"revoked_at" timestamp (6) with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "signing_key" (
	"kid" text PRIMARY KEY NOT NULL,
	"public_jwk" jsonb NOT NULL,
	"sealed_private" text NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"active_at" timestamp (6) with time zone NOT NULL,
	"retired_at" timestamp (6) with time zone
);
--> statement-breakpoint
CREATE TABLE "used_assertion" (
	"client_id" text NOT NULL,
	"jti" text NOT NULL,
	"expires_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "used_assertion_client_id_jti_pk" PRIMARY KEY("client_id","jti")
);
--> statement-breakpoint
CREATE INDEX "revoked_token_expires_at_index" ON "revoked_token" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "used_assertion_expires_at_index" ON "used_assertion" USING btree ("expires_at");