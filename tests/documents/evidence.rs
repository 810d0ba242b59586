//! The worked example of the hash chain in `docs/TECHNICAL.md` is right.

use glassbox::kernel::canonical;
use serde_json::Value;

use crate::read;

#[test]
fn the_worked_example_of_the_hash_chain_is_right() {
    let text = read("docs/TECHNICAL.md");
    let (mut data, mut previous) = (String::new(), String::new());
    let mut entries = 0;
    for block in text.split("```json\n").skip(1) {
        let (json, rest) = block.split_once("\n```").unwrap();
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(canonical::text(&value), json);
        let hash = canonical::sha256(json.as_bytes());
        let stated = rest.split('`').nth(1).unwrap();
        assert_eq!(stated, hash);
        // A payload, and then the entry that carries it.
        if value.get("dataHash").is_none() {
            data = hash;
            continue;
        }
        assert_eq!(value["dataHash"], data.as_str());
        assert_eq!(value["prevHash"], previous.as_str());
        previous = hash;
        entries += 1;
    }
    assert_eq!(entries, 2);
}
