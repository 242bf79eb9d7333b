-- What routing records is written by the gateway alone; each operator sees its own rows.
-- Lock risk: none, the tables are new.
GRANT SELECT, INSERT, UPDATE, DELETE ON route_decision, rate_window, fee_schedule, decline_override, unmapped_decline TO paycage_app;
