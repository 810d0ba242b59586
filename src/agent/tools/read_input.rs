//! `read_input`: a page or a passage of one input.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Outcome, Task, material, object};
use crate::{
    kernel::{Error, InputId, Result, field::invalid},
    platform::db::Tx,
};

pub const DESCRIPTION: &str = "Read a part of one input: page `page` where it has pages (slides and sheets count as pages), else from character `offset`. \
     Answers the text and, when there is more of it, `nextOffset`.";

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Args {
    input_id: InputId,
    page: Option<u32>,
    offset: Option<usize>,
}

pub type Ready = Args;

pub fn parameters() -> Value {
    object(
        json!({
            "inputId": { "type": "string", "description": "An id from list_inputs." },
            "page": { "type": "integer", "minimum": 1, "description": "The page, from 1." },
            "offset": { "type": "integer", "minimum": 0, "description": "The first character, from 0." },
        }),
        &["inputId"],
    )
}

pub async fn prepare(args: Args, _: &Task<'_>) -> Result<Ready> {
    Ok(args)
}

pub async fn apply(args: Ready, tx: &mut Tx, cx: &Context<'_>) -> Result<Outcome> {
    let node = material::own_node(tx, cx).await?;
    let input = node
        .inputs
        .iter()
        .flatten()
        .find(|input| input.id == args.input_id)
        .ok_or_else(|| Error::not_found("input of this node"))?;
    let material = material::Material::of(tx, input).await?;
    let page = match (args.page, material.pages) {
        (Some(0), _) => return Err(invalid("page", "is counted from 1")),
        (Some(_), None) => return Err(invalid("page", "is not for this input; use offset")),
        (Some(page), Some(pages)) if page > pages => {
            return Err(invalid("page", format!("must be 1 to {pages}")));
        }
        (page, _) => page,
    };
    let passage = material.read(tx, page, args.offset.unwrap_or(0)).await?;
    let mut result = json!({
        "inputId": input.id,
        "offset": passage.offset,
        "text": passage.text,
    });
    if let Some(map) = result.as_object_mut() {
        let optional = [
            ("page", page.map(Value::from)),
            ("pages", material.pages.map(Value::from)),
            ("nextOffset", passage.next.map(Value::from)),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                map.insert(key.to_owned(), value);
            }
        }
    }
    Ok(Outcome::told(result))
}
