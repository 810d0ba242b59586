//! Templates as the program and its clients know them.

mod plan;
mod settings;
mod template;

pub use plan::{Plan, Planned, plan};
pub use settings::{AGENT_CONFIG, AgentSettings};
pub use template::{
    InputSlot, OutputSlot, Structure, SubNode, Template, TemplateApply, TemplateCreate,
    TemplateUpdate,
};
