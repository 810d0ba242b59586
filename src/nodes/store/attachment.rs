//! SQL of inputs and outputs.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, PgAnyJsonExpressionMethods, QueryDsl, SelectableHelper, dsl::max,
    result::Error as SqlError,
};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::{
    kernel::{Error, ExecutionId, FileId, InputId, NodeId, OutputId, ProjectId, Result, Timestamp},
    nodes::model::{
        FileBrief, Input, InputContent, InputCreate, InputType, Node, NodeBrief, Output,
        OutputContent, OutputCreate, OutputType, PinnedVersion,
    },
    platform::db::{
        Cacheable, Tx,
        schema::{files, node_inputs, node_outputs, node_versions, nodes},
        types::sql_text,
        violates,
    },
};

sql_text!(InputType);
sql_text!(OutputType);

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = files)]
struct FileRow {
    id: FileId,
    filename: String,
    content_type: String,
    size_bytes: Option<i64>,
    processing_status: String,
}

impl From<FileRow> for FileBrief {
    fn from(row: FileRow) -> Self {
        FileBrief {
            id: row.id,
            filename: row.filename,
            content_type: row.content_type,
            size_bytes: row.size_bytes,
            processing_status: row.processing_status,
        }
    }
}

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = nodes)]
struct SourceRow {
    id: NodeId,
    project_id: ProjectId,
    title: String,
    status: String,
    version: i32,
    deleted_at: Option<Timestamp>,
}

/// The version, title and status of the version that an input is pinned to.
type PinnedColumns = (Option<i32>, Option<String>, Option<String>);

impl SourceRow {
    fn live(self, pinned: PinnedColumns) -> Option<NodeBrief> {
        let pinned = match pinned {
            (Some(version), Some(title), Some(status)) => Some(PinnedVersion {
                version,
                title,
                status,
            }),
            _ => None,
        };
        self.deleted_at.is_none().then_some(NodeBrief {
            id: self.id,
            project_id: self.project_id,
            title: self.title,
            status: self.status,
            version: self.version,
            pinned,
        })
    }
}

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = node_inputs)]
struct InputRow {
    id: InputId,
    node_id: NodeId,
    input_type: InputType,
    file_id: Option<FileId>,
    source_node_id: Option<NodeId>,
    source_node_version: Option<i32>,
    external_url: Option<String>,
    text_content: Option<String>,
    label: Option<String>,
    metadata: Value,
    sort_order: i32,
    created_at: Timestamp,
}

impl InputRow {
    fn with(self, file: Option<FileRow>, source: Option<NodeBrief>) -> Input {
        Input {
            id: self.id,
            node_id: self.node_id,
            input_type: self.input_type,
            file_id: self.file_id,
            file: file.map(FileBrief::from),
            source_node_id: self.source_node_id,
            source_node_version: self.source_node_version,
            source_node: source,
            external_url: self.external_url,
            text_content: self.text_content,
            label: self.label,
            metadata: self.metadata,
            sort_order: self.sort_order,
            created_at: self.created_at,
        }
    }
}

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = node_outputs)]
struct OutputRow {
    id: OutputId,
    node_id: NodeId,
    output_type: OutputType,
    file_id: Option<FileId>,
    structured_data: Option<Value>,
    text_content: Option<String>,
    external_url: Option<String>,
    label: Option<String>,
    metadata: Value,
    sort_order: i32,
    execution_id: Option<ExecutionId>,
    created_at: Timestamp,
}

impl OutputRow {
    fn with(self, file: Option<FileRow>) -> Output {
        Output {
            id: self.id,
            node_id: self.node_id,
            output_type: self.output_type,
            file_id: self.file_id,
            file: file.map(FileBrief::from),
            structured_data: self.structured_data,
            text_content: self.text_content,
            external_url: self.external_url,
            label: self.label,
            metadata: self.metadata,
            sort_order: self.sort_order,
            execution_id: self.execution_id,
            created_at: self.created_at,
        }
    }
}

/// The node with its inputs and outputs.
pub async fn complete(tx: &Tx, mut node: Node) -> Result<Node> {
    let (inputs, outputs) = of(tx, node.id).await?;
    (node.inputs, node.outputs) = (Some(inputs), Some(outputs));
    Ok(node)
}

/// The inputs and outputs of a node, asked for together.
pub async fn of(tx: &Tx, node: NodeId) -> Result<(Vec<Input>, Vec<Output>)> {
    tokio::try_join!(inputs(tx, node), outputs(tx, node))
}

/// How many inputs and outputs a node has.
pub async fn count(tx: &Tx, node: NodeId) -> Result<usize> {
    let inputs = node_inputs::table.filter(node_inputs::node_id.eq(node));
    let outputs = node_outputs::table.filter(node_outputs::node_id.eq(node));
    let (mut first, mut second) = (tx.pipe(), tx.pipe());
    let (inputs, outputs): (i64, i64) = tokio::try_join!(
        inputs.count().get_result(&mut first),
        outputs.count().get_result(&mut second),
    )?;
    Ok(usize::try_from(inputs + outputs).unwrap_or(usize::MAX))
}

// A macro, because the type of a query with a filter that is a parameter can't be written down,
// and a boxed one would be put together anew each time.
macro_rules! inputs_where {
    ($tx:expr, $filter:expr) => {{
        let same_file = files::id.nullable().eq(node_inputs::file_id);
        let same_node = nodes::id.nullable().eq(node_inputs::source_node_id);
        let same_version = node_versions::org_id
            .eq(node_inputs::org_id)
            .and(
                node_versions::node_id
                    .nullable()
                    .eq(node_inputs::source_node_id),
            )
            .and(
                node_versions::version
                    .nullable()
                    .eq(node_inputs::source_node_version),
            );
        let snapshot = node_versions::snapshot.nullable();
        let rows: Vec<(InputRow, Option<FileRow>, Option<SourceRow>, PinnedColumns)> =
            node_inputs::table
                .left_join(files::table.on(same_file))
                .left_join(nodes::table.on(same_node))
                .left_join(node_versions::table.on(same_version))
                .filter($filter)
                .order((
                    node_inputs::sort_order,
                    node_inputs::created_at,
                    node_inputs::id,
                ))
                .select((
                    InputRow::as_select(),
                    Option::<FileRow>::as_select(),
                    Option::<SourceRow>::as_select(),
                    (
                        node_versions::version.nullable(),
                        // Not `sql("…")`: diesel would prepare the whole query anew each time.
                        snapshot.retrieve_as_text("title").nullable(),
                        snapshot.retrieve_as_text("status").nullable(),
                    ),
                ))
                .load(&mut $tx.pipe())
                .await?;
        let whole = rows.into_iter().map(|(row, file, source, pinned)| {
            let source = source.and_then(|source| source.live(pinned));
            row.with(file, source)
        });
        Ok::<Vec<Input>, Error>(whole.collect())
    }};
}

macro_rules! outputs_where {
    ($tx:expr, $filter:expr) => {{
        let same_file = files::id.nullable().eq(node_outputs::file_id);
        let rows: Vec<(OutputRow, Option<FileRow>)> = node_outputs::table
            .left_join(files::table.on(same_file))
            .filter($filter)
            .order((
                node_outputs::sort_order,
                node_outputs::created_at,
                node_outputs::id,
            ))
            .select((OutputRow::as_select(), Option::<FileRow>::as_select()))
            .load(&mut $tx.pipe())
            .await?;
        Ok::<Vec<Output>, Error>(rows.into_iter().map(|(row, file)| row.with(file)).collect())
    }};
}

async fn inputs(tx: &Tx, node: NodeId) -> Result<Vec<Input>> {
    inputs_where!(tx, node_inputs::node_id.eq(node))
}

async fn outputs(tx: &Tx, node: NodeId) -> Result<Vec<Output>> {
    outputs_where!(tx, node_outputs::node_id.eq(node))
}

/// One input alone, in a list; an empty one for none.
pub async fn input(tx: &Tx, id: Option<InputId>) -> Result<Vec<Input>> {
    match id {
        Some(id) => inputs_where!(tx, node_inputs::id.eq(id)),
        None => Ok(Vec::new()),
    }
}

/// One output alone, in a list; an empty one for none.
pub async fn output(tx: &Tx, id: Option<OutputId>) -> Result<Vec<Output>> {
    match id {
        Some(id) => outputs_where!(tx, node_outputs::id.eq(id)),
        None => Ok(Vec::new()),
    }
}

/// What an input or output points at may be deleted between the look and the insert.
fn target_gone(error: SqlError) -> Error {
    if violates(&error, "node_inputs_org_id_file_id_fkey")
        || violates(&error, "node_outputs_org_id_file_id_fkey")
    {
        Error::not_found("file")
    } else if violates(&error, "node_inputs_org_id_source_node_id_fkey") {
        Error::not_found("source node")
    } else {
        error.into()
    }
}

/// The input's columns that depend on its type.
#[derive(diesel::Insertable)]
#[diesel(table_name = node_inputs)]
struct InputColumns<'a> {
    file_id: Option<FileId>,
    source_node_id: Option<NodeId>,
    source_node_version: Option<i32>,
    external_url: Option<&'a str>,
    text_content: Option<&'a str>,
}

impl<'a> From<&'a InputContent> for InputColumns<'a> {
    fn from(content: &'a InputContent) -> Self {
        let mut columns = InputColumns {
            file_id: None,
            source_node_id: None,
            source_node_version: None,
            external_url: None,
            text_content: None,
        };
        match content {
            InputContent::File(id) => columns.file_id = Some(*id),
            InputContent::NodeReference { source, version } => {
                columns.source_node_id = Some(*source);
                columns.source_node_version = *version;
            }
            InputContent::ExternalLink(url) => columns.external_url = Some(url),
            InputContent::Text(text) => columns.text_content = Some(text),
        }
        columns
    }
}

/// Adds an input to a node whose row is locked, so "after the last" is no race. Answers
/// with the input, what it points at not looked up.
pub async fn insert_input(tx: &mut Tx, node: &Node, new: &InputCreate) -> Result<Input> {
    let id = InputId::new(tx.ids());
    let now = tx.now();
    let order = match new.sort_order {
        Some(order) => order,
        None => node_inputs::table
            .filter(node_inputs::node_id.eq(node.id))
            .select(max(node_inputs::sort_order))
            .first::<Option<i32>>(tx.conn())
            .await?
            .map_or(0, |last| last.saturating_add(1)),
    };
    let row: InputRow = diesel::insert_into(node_inputs::table)
        .values((
            node_inputs::id.eq(id),
            node_inputs::org_id.eq(node.org_id),
            node_inputs::node_id.eq(node.id),
            node_inputs::input_type.eq(new.content.kind()),
            InputColumns::from(&new.content),
            node_inputs::label.eq(&new.label),
            node_inputs::metadata.eq(new.metadata.clone().unwrap_or_else(|| json!({}))),
            node_inputs::sort_order.eq(order),
            node_inputs::created_at.eq(now),
        ))
        .returning(InputRow::as_returning())
        .cached()
        .get_result(tx.conn())
        .await
        .map_err(target_gone)?;
    Ok(row.with(None, None))
}

/// The output's columns that depend on its type.
#[derive(diesel::Insertable)]
#[diesel(table_name = node_outputs)]
struct OutputColumns<'a> {
    file_id: Option<FileId>,
    structured_data: Option<&'a Value>,
    text_content: Option<&'a str>,
    external_url: Option<&'a str>,
}

impl<'a> From<&'a OutputContent> for OutputColumns<'a> {
    fn from(content: &'a OutputContent) -> Self {
        let mut columns = OutputColumns {
            file_id: content.file(),
            structured_data: None,
            text_content: None,
            external_url: None,
        };
        match content {
            OutputContent::File(_) => {}
            OutputContent::StructuredData(data) => columns.structured_data = Some(data),
            OutputContent::Text { text, .. } => columns.text_content = Some(text),
            OutputContent::ExternalLink(url) => columns.external_url = Some(url),
        }
        columns
    }
}

/// Adds an output to a node whose row is locked, after the last one. Answers with the
/// output, what it points at not looked up.
pub async fn insert_output(
    tx: &mut Tx,
    node: &Node,
    new: &OutputCreate,
    execution: Option<ExecutionId>,
) -> Result<Output> {
    let id = OutputId::new(tx.ids());
    let now = tx.now();
    let last: Option<i32> = node_outputs::table
        .filter(node_outputs::node_id.eq(node.id))
        .select(max(node_outputs::sort_order))
        .first(tx.conn())
        .await?;
    let row: OutputRow = diesel::insert_into(node_outputs::table)
        .values((
            node_outputs::id.eq(id),
            node_outputs::org_id.eq(node.org_id),
            node_outputs::node_id.eq(node.id),
            node_outputs::output_type.eq(new.content.kind()),
            OutputColumns::from(&new.content),
            node_outputs::label.eq(&new.label),
            node_outputs::metadata.eq(new.metadata.clone().unwrap_or_else(|| json!({}))),
            node_outputs::sort_order.eq(last.map_or(0, |last| last.saturating_add(1))),
            node_outputs::execution_id.eq(execution),
            node_outputs::created_at.eq(now),
        ))
        .returning(OutputRow::as_returning())
        .cached()
        .get_result(tx.conn())
        .await
        .map_err(target_gone)?;
    Ok(row.with(None))
}

/// Brings an input back, with the id that it had: it was removed from this very node, and
/// no id is given twice.
pub async fn restore_input(tx: &mut Tx, node: &Node, input: &Input) -> Result<()> {
    diesel::insert_into(node_inputs::table)
        .values((
            node_inputs::id.eq(input.id),
            node_inputs::org_id.eq(node.org_id),
            node_inputs::node_id.eq(node.id),
            node_inputs::input_type.eq(input.input_type),
            node_inputs::file_id.eq(input.file_id),
            node_inputs::source_node_id.eq(input.source_node_id),
            node_inputs::source_node_version.eq(input.source_node_version),
            node_inputs::external_url.eq(&input.external_url),
            node_inputs::text_content.eq(&input.text_content),
            node_inputs::label.eq(&input.label),
            node_inputs::metadata.eq(&input.metadata),
            node_inputs::sort_order.eq(input.sort_order),
            node_inputs::created_at.eq(input.created_at),
        ))
        .execute(tx.conn())
        .await
        .map_err(target_gone)?;
    Ok(())
}

/// Brings an output back, as [`restore_input`] does.
pub async fn restore_output(tx: &mut Tx, node: &Node, output: &Output) -> Result<()> {
    diesel::insert_into(node_outputs::table)
        .values((
            node_outputs::id.eq(output.id),
            node_outputs::org_id.eq(node.org_id),
            node_outputs::node_id.eq(node.id),
            node_outputs::output_type.eq(output.output_type),
            node_outputs::file_id.eq(output.file_id),
            node_outputs::structured_data.eq(&output.structured_data),
            node_outputs::text_content.eq(&output.text_content),
            node_outputs::external_url.eq(&output.external_url),
            node_outputs::label.eq(&output.label),
            node_outputs::metadata.eq(&output.metadata),
            node_outputs::sort_order.eq(output.sort_order),
            node_outputs::execution_id.eq(output.execution_id),
            node_outputs::created_at.eq(output.created_at),
        ))
        .execute(tx.conn())
        .await
        .map_err(target_gone)?;
    Ok(())
}

/// Removes an input, and with it its edge; answers with what is gone.
pub async fn delete_input(tx: &mut Tx, node: NodeId, id: InputId) -> Result<Option<Input>> {
    let row = node_inputs::table
        .filter(node_inputs::node_id.eq(node))
        .filter(node_inputs::id.eq(id));
    let row: Option<InputRow> = diesel::delete(row)
        .returning(InputRow::as_returning())
        .get_result(tx.conn())
        .await
        .optional()?;
    Ok(row.map(|row| row.with(None, None)))
}

/// Removes an output; answers with what is gone.
pub async fn delete_output(tx: &mut Tx, node: NodeId, id: OutputId) -> Result<Option<Output>> {
    let row = node_outputs::table
        .filter(node_outputs::node_id.eq(node))
        .filter(node_outputs::id.eq(id));
    let row: Option<OutputRow> = diesel::delete(row)
        .returning(OutputRow::as_returning())
        .get_result(tx.conn())
        .await
        .optional()?;
    Ok(row.map(|row| row.with(None)))
}
