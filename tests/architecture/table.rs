//! The rules as data: who may use whom, and which library lives where.

/// The top-level modules from the roof to the ground. A module may use those below
/// its own line, and nothing on its line or above it.
pub const LAYERS: &[&[&str]] = &[
    // Commands; the only place that turns settings into the program's parts.
    &["cli"],
    // The HTTP server and its route table.
    &["server"],
    // What runs beside requests. They know nothing of each other.
    &["agent", "ingest", "realtime"],
    // The slices; each may use those below it.
    &["search"],
    &["executions"],
    &["files"],
    &["templates"],
    &["tokens"],
    &["nodes"],
    &["projects"],
    &["tenants"],
    // What slices stand on.
    &["web"],
    &["app"],
    &["access"],
    &["outbox"],
    &["idempotency"],
    // One adapter for each outside system.
    &["platform"],
    // The ground.
    &["telemetry"],
    &["config"],
    &["kernel"],
];

/// The slices. From outside, only `ops` and `model` of a slice are used.
pub const SLICES: &[&str] = &[
    "search",
    "executions",
    "files",
    "templates",
    "tokens",
    "nodes",
    "projects",
    "tenants",
];

/// The other parts of a slice that one layer may use: `(who, what)`.
pub const DOORS: &[(&str, &str)] = &[
    // The route table names the handlers.
    ("server", "api"),
    // An agent's step is appended to the journal under its lease.
    ("agent", "executions::journal"),
];

/// Where a library may be named. A place is the beginning of a path below `src`, or
/// `*/name.rs` for the files of that name and `*/name/` for the folders.
pub const CRATES: &[(&[&str], &[&str])] = &[
    (
        &["diesel", "diesel_async", "diesel_migrations", "pgvector"],
        &["platform/db/", "*/store.rs", "*/store/"],
    ),
    (
        &["actix_web", "actix_ws", "utoipa_swagger_ui"],
        &["web/", "server/", "realtime/", "*/api.rs", "*/api/"],
    ),
    (&["actix_http", "actix_service"], &["server/"]),
    (
        &[
            "reqwest",
            "redis",
            "deadpool_redis",
            "aws_config",
            "aws_sdk_s3",
            "aws_sdk_sqs",
        ],
        &["platform/"],
    ),
    (&["rmcp"], &["platform/mcp/"]),
    (
        &["prometheus_client"],
        &["platform/", "*/metrics.rs", "*/metrics/"],
    ),
    (&["procfs"], &["platform/metrics/"]),
    (&["biscuit_auth", "prost"], &["access/"]),
];

/// Names that say nothing of what is inside. In programs of one crate such modules
/// are where import cycles close.
pub const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "common", "helpers", "helper", "core", "misc", "shared",
];

/// Lines of a file.
pub const MAX_FILE_LINES: usize = 500;
/// Lines of a function, its signature included.
pub const MAX_FUNCTION_LINES: usize = 100;

/// Generated: neither its length nor its form is ours.
pub const GENERATED: &[&str] = &["platform/db/schema.rs"];

/// Files that are longer all the same, with the length they may not pass. May only
/// shrink.
pub const LONG_FILES: &[(&str, usize)] = &[];

/// What a `store` uses beside its slice's model. May only shrink.
pub const STORE_MAY_USE: &[(&str, &str)] = &[];
