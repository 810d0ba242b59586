//! The tables as the migrations make them. Generated; see `deploy/dev/schema.sh`.

// @generated automatically by Diesel CLI.

pub mod sql_types {
    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "tsvector", schema = "pg_catalog"))]
    pub struct Tsvector;
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    agent_executions (id) {
        id -> Uuid,
        org_id -> Uuid,
        project_id -> Uuid,
        node_id -> Uuid,
        parent_execution_id -> Nullable<Uuid>,
        status -> Text,
        model_id -> Text,
        config -> Jsonb,
        thread_id -> Text,
        started_by -> Nullable<Uuid>,
        human_input_request -> Nullable<Jsonb>,
        human_input_response -> Nullable<Jsonb>,
        trace_summary -> Jsonb,
        error_message -> Nullable<Text>,
        total_tokens_in -> Int8,
        total_tokens_out -> Int8,
        cost_micros -> Nullable<Int8>,
        last_sequence -> Int8,
        head_hash -> Text,
        lease_worker -> Nullable<Uuid>,
        lease_epoch -> Int8,
        started_at -> Nullable<Timestamptz>,
        completed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        lock_epoch -> Nullable<Int8>,
        forked_from -> Nullable<Uuid>,
        forked_after -> Nullable<Int8>,
        payloads_removed_at -> Nullable<Timestamptz>,
        started_by_span -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    agent_trace_events (id) {
        id -> Uuid,
        org_id -> Uuid,
        execution_id -> Uuid,
        sequence_number -> Int8,
        event_type -> Text,
        event_data -> Jsonb,
        occurred_at -> Timestamptz,
        duration_ms -> Nullable<Int8>,
        model -> Nullable<Text>,
        tokens_in -> Nullable<Int8>,
        tokens_out -> Nullable<Int8>,
        cost_micros -> Nullable<Int8>,
        lease_epoch -> Int8,
        prev_hash -> Text,
        hash -> Text,
        data_hash -> Nullable<Text>,
        payload_refs -> Nullable<Jsonb>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    audit_log (id) {
        id -> Uuid,
        org_id -> Uuid,
        actor_user_id -> Nullable<Uuid>,
        execution_id -> Nullable<Uuid>,
        action -> Text,
        resource_type -> Text,
        resource_id -> Nullable<Uuid>,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
        request_id -> Nullable<Text>,
        ip -> Nullable<Text>,
        created_at -> Timestamptz,
        token_id -> Nullable<Uuid>,
        actor_email -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    budget_reservations (execution_id) {
        execution_id -> Uuid,
        org_id -> Uuid,
        budgets -> Array<Nullable<Uuid>>,
        micros -> Int8,
        tokens -> Int8,
        lost_micros -> Int8,
        lost_tokens -> Int8,
        created_at -> Timestamptz,
        since -> Nullable<Int8>,
        call_after -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    budgets (id) {
        id -> Uuid,
        org_id -> Uuid,
        scope_type -> Text,
        scope_id -> Uuid,
        period -> Nullable<Date>,
        limit_micros -> Nullable<Int8>,
        limit_tokens -> Nullable<Int8>,
        reserved_micros -> Int8,
        spent_micros -> Int8,
        spent_tokens -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        reserved_tokens -> Int8,
        told -> Int2,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    channel_heads (channel) {
        channel -> Text,
        last -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    channel_log (channel, seq) {
        position -> Int8,
        channel -> Text,
        seq -> Int8,
        event_id -> Uuid,
        told_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    chunk_vectors (org_id, model, chunk_id) {
        org_id -> Uuid,
        model -> Text,
        chunk_id -> Uuid,
        embedding -> Vector,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;
    use super::sql_types::Tsvector;

    chunks (id) {
        id -> Uuid,
        org_id -> Uuid,
        file_id -> Nullable<Uuid>,
        node_id -> Nullable<Uuid>,
        ordinal -> Int4,
        content -> Text,
        place -> Jsonb,
        sha256 -> Text,
        created_at -> Timestamptz,
        lead -> Text,
        search -> Tsvector,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    embeddings (org_id, model) {
        org_id -> Uuid,
        model -> Text,
        dimensions -> Int4,
        complete_at -> Nullable<Timestamptz>,
        upto -> Nullable<Uuid>,
        made -> Int8,
        due_at -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    files (id) {
        id -> Uuid,
        org_id -> Uuid,
        storage_key -> Text,
        storage_bucket -> Text,
        filename -> Text,
        content_type -> Text,
        size_bytes -> Nullable<Int8>,
        sha256 -> Nullable<Text>,
        processing_status -> Text,
        processing_error -> Nullable<Text>,
        extracted_text -> Nullable<Text>,
        segments -> Jsonb,
        metadata -> Jsonb,
        confirmed_at -> Nullable<Timestamptz>,
        lease_worker -> Nullable<Uuid>,
        lease_epoch -> Int8,
        attempts -> Int4,
        uploaded_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        reserved_bytes -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    human_requests (id) {
        id -> Uuid,
        org_id -> Uuid,
        execution_id -> Uuid,
        call_id -> Text,
        request_type -> Text,
        prompt -> Text,
        options -> Nullable<Jsonb>,
        metadata -> Nullable<Jsonb>,
        call_hash -> Nullable<Text>,
        status -> Text,
        answer -> Nullable<Jsonb>,
        answered_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        closed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    idempotency_keys (user_id, key) {
        user_id -> Uuid,
        key -> Text,
        request_hash -> Text,
        status -> Int4,
        response -> Nullable<Jsonb>,
        created_at -> Timestamptz,
        headers -> Jsonb,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    index_work (org_id, kind, owner_id) {
        org_id -> Uuid,
        kind -> Text,
        owner_id -> Uuid,
        mark -> Int8,
        attempts -> Int4,
        due_at -> Timestamptz,
        created_at -> Timestamptz,
        cut_mark -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    jobs (id) {
        id -> Uuid,
        org_id -> Uuid,
        queue -> Text,
        body -> Jsonb,
        run_at -> Timestamptz,
        attempts -> Int4,
        created_at -> Timestamptz,
        dead_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    live_tickets (digest) {
        digest -> Bytea,
        user_id -> Uuid,
        token_expires_at -> Timestamptz,
        sealed -> Nullable<Bytea>,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    node_dependencies (id) {
        id -> Uuid,
        org_id -> Uuid,
        source_node_id -> Uuid,
        target_node_id -> Uuid,
        target_input_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    node_inputs (id) {
        id -> Uuid,
        org_id -> Uuid,
        node_id -> Uuid,
        input_type -> Text,
        file_id -> Nullable<Uuid>,
        source_node_id -> Nullable<Uuid>,
        source_node_version -> Nullable<Int4>,
        external_url -> Nullable<Text>,
        text_content -> Nullable<Text>,
        label -> Nullable<Text>,
        metadata -> Jsonb,
        sort_order -> Int4,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    node_outputs (id) {
        id -> Uuid,
        org_id -> Uuid,
        node_id -> Uuid,
        output_type -> Text,
        file_id -> Nullable<Uuid>,
        structured_data -> Nullable<Jsonb>,
        text_content -> Nullable<Text>,
        external_url -> Nullable<Text>,
        label -> Nullable<Text>,
        metadata -> Jsonb,
        sort_order -> Int4,
        execution_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    node_versions (id) {
        id -> Uuid,
        org_id -> Uuid,
        node_id -> Uuid,
        version -> Int4,
        snapshot -> Jsonb,
        change_type -> Text,
        change_summary -> Nullable<Text>,
        changed_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        whole -> Bool,
        turns -> Nullable<Jsonb>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    nodes (id) {
        id -> Uuid,
        org_id -> Uuid,
        project_id -> Uuid,
        parent_id -> Nullable<Uuid>,
        title -> Text,
        description -> Nullable<Text>,
        status -> Text,
        author_type -> Text,
        author_user_id -> Nullable<Uuid>,
        author_execution_id -> Nullable<Uuid>,
        supervisor_user_id -> Nullable<Uuid>,
        version -> Int4,
        metadata -> Jsonb,
        position -> Nullable<Jsonb>,
        locked_by -> Nullable<Uuid>,
        locked_at -> Nullable<Timestamptz>,
        lock_expires_at -> Nullable<Timestamptz>,
        lock_epoch -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        title_key -> Text,
        locked_by_execution -> Nullable<Uuid>,
        lock_broken_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    notifications (id) {
        id -> Uuid,
        org_id -> Uuid,
        user_id -> Uuid,
        #[sql_name = "type"]
        type_ -> Text,
        title -> Text,
        body -> Nullable<Text>,
        resource_type -> Nullable<Text>,
        resource_id -> Nullable<Uuid>,
        read_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    org_members (id) {
        id -> Uuid,
        org_id -> Uuid,
        user_id -> Uuid,
        role -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    organizations (id) {
        id -> Uuid,
        name -> Text,
        slug -> Text,
        settings -> Jsonb,
        event_sourcing_level -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    outbox (id) {
        id -> Uuid,
        position -> Int8,
        org_id -> Nullable<Uuid>,
        topic -> Text,
        name -> Text,
        channels -> Jsonb,
        payload -> Jsonb,
        created_at -> Timestamptz,
        published_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    project_members (id) {
        id -> Uuid,
        org_id -> Uuid,
        project_id -> Uuid,
        user_id -> Uuid,
        role -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    projects (id) {
        id -> Uuid,
        org_id -> Uuid,
        name -> Text,
        description -> Nullable<Text>,
        settings -> Jsonb,
        workflow_states -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    relay_mark (only_one) {
        only_one -> Bool,
        told -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    sealed_keys (id) {
        id -> Uuid,
        org_id -> Uuid,
        field -> Text,
        key_id -> Int8,
        sealed -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    storage_usage (org_id) {
        org_id -> Uuid,
        bytes -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    templates (id) {
        id -> Uuid,
        org_id -> Nullable<Uuid>,
        name -> Text,
        description -> Nullable<Text>,
        structure -> Jsonb,
        agent_config -> Jsonb,
        is_public -> Bool,
        created_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    token_revocations (revocation_id) {
        revocation_id -> Text,
        revoked_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    tokens (id) {
        id -> Uuid,
        org_id -> Uuid,
        name -> Text,
        rights -> Jsonb,
        resource -> Nullable<Jsonb>,
        revocation_id -> Text,
        created_by -> Nullable<Uuid>,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    users (id) {
        id -> Uuid,
        cognito_sub -> Text,
        email -> Text,
        name -> Nullable<Text>,
        avatar_url -> Nullable<Text>,
        settings -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        email_key -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use pgvector::sql_types::Vector;

    workers (id) {
        id -> Uuid,
        role -> Text,
        host -> Text,
        pid -> Int4,
        started_at -> Timestamptz,
        heartbeat_at -> Timestamptz,
    }
}

diesel::joinable!(agent_executions -> users (started_by));
diesel::joinable!(audit_log -> organizations (org_id));
diesel::joinable!(audit_log -> users (actor_user_id));
diesel::joinable!(budgets -> organizations (org_id));
diesel::joinable!(chunk_vectors -> organizations (org_id));
diesel::joinable!(embeddings -> organizations (org_id));
diesel::joinable!(files -> organizations (org_id));
diesel::joinable!(files -> users (uploaded_by));
diesel::joinable!(human_requests -> users (answered_by));
diesel::joinable!(idempotency_keys -> users (user_id));
diesel::joinable!(index_work -> organizations (org_id));
diesel::joinable!(jobs -> organizations (org_id));
diesel::joinable!(live_tickets -> users (user_id));
diesel::joinable!(node_versions -> users (changed_by));
diesel::joinable!(notifications -> organizations (org_id));
diesel::joinable!(notifications -> users (user_id));
diesel::joinable!(org_members -> organizations (org_id));
diesel::joinable!(org_members -> users (user_id));
diesel::joinable!(outbox -> organizations (org_id));
diesel::joinable!(projects -> organizations (org_id));
diesel::joinable!(sealed_keys -> organizations (org_id));
diesel::joinable!(storage_usage -> organizations (org_id));
diesel::joinable!(templates -> organizations (org_id));
diesel::joinable!(templates -> users (created_by));
diesel::joinable!(tokens -> organizations (org_id));
diesel::joinable!(tokens -> users (created_by));

diesel::allow_tables_to_appear_in_same_query!(
    agent_executions,
    agent_trace_events,
    audit_log,
    budget_reservations,
    budgets,
    channel_heads,
    channel_log,
    chunk_vectors,
    chunks,
    embeddings,
    files,
    human_requests,
    idempotency_keys,
    index_work,
    jobs,
    live_tickets,
    node_dependencies,
    node_inputs,
    node_outputs,
    node_versions,
    nodes,
    notifications,
    org_members,
    organizations,
    outbox,
    project_members,
    projects,
    relay_mark,
    sealed_keys,
    storage_usage,
    templates,
    token_revocations,
    tokens,
    users,
    workers,
);
