alter table audit_log drop column token_id;
