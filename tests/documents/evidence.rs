//! The worked example of the hash chain in `docs/TECHNICAL.md` is right.

use glassbox::kernel::canonical;
use serde_json::Value;

use crate::read;

#[test]
fn the_worked_example_of_the_hash_chain_is_right() {
    let text = read("docs/TECHNICAL.md");
    let mut previous = String::new();
    let mut entries = 0;
    for block in text.split("```json\n").skip(1) {
        let (json, rest) = block.split_once("\n```").unwrap();
        let entry: Value = serde_json::from_str(json).unwrap();
        assert_eq!(canonical::text(&entry), json);
        assert_eq!(entry["prevHash"], previous.as_str());
        previous = canonical::sha256(json.as_bytes());
        let stated = rest.split('`').nth(1).unwrap();
        assert_eq!(stated, previous);
        entries += 1;
    }
    assert_eq!(entries, 2);
}
