-- The gateway's role works on the job list: it writes, leases and deletes rows.
-- Lock risk: none.
GRANT SELECT, INSERT, UPDATE, DELETE ON job TO paycage_app;
