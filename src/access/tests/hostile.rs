//! What somebody with a valid token, or with none, may try.

use base64::Engine;
use biscuit_auth::builder::{Algorithm, BiscuitBuilder, Scope};
use biscuit_auth::format::schema;
use biscuit_auth::{KeyPair, PrivateKey};
use proptest::prelude::*;
use prost::Message;
use secrecy::SecretString;

use super::*;

/// A user token with `source` appended is refused, and by the gate.
fn assert_gated(source: &str, reason: &str) {
    let keys = keyring();
    let token = append(&keys, &user_token(&keys), datalog(source));
    assert_refused(&keys, &token, reason);
}

fn assert_refused(keys: &Keyring, token: &str, reason: &str) {
    let error = keys.verify(token, now()).unwrap_err();
    assert_eq!(error.code(), Code::TokenInvalid);
    assert!(error.chain().contains(reason), "{error:?}");
    assert_eq!(error.message(), "The token is not valid.");
}

/// The token of a user, decoded, changed by `change` and encoded again.
fn rewritten(keys: &Keyring, change: impl FnOnce(&mut schema::Biscuit)) -> String {
    let token = append(keys, &user_token(keys), datalog(r#"check if org("x")"#));
    let bytes = gate::BASE64.decode(token).unwrap();
    let mut message = schema::Biscuit::decode(bytes.as_slice()).unwrap();
    change(&mut message);
    gate::BASE64.encode(message.encode_to_vec())
}

/// A token of ours whose appended block is `block`, whatever it holds.
fn with_block(keys: &Keyring, change: impl FnOnce(&mut schema::Block)) -> String {
    rewritten(keys, |message| {
        let signed = &mut message.blocks[0];
        let mut block = schema::Block::decode(signed.block.as_slice()).unwrap();
        change(&mut block);
        signed.block = block.encode_to_vec();
    })
}

fn term(content: schema::term::Content) -> schema::Term {
    schema::Term {
        content: Some(content),
    }
}

#[test]
fn a_rule_that_joins_fifty_facts_four_times_is_refused() {
    let facts: String = (0..50).map(|i| format!("f({i});")).collect();
    let rule = "g($a, $b, $c, $d) <- f($a), f($b), f($c), f($d), $a + $b + $c + $d < 0;";
    assert_gated(&format!("{facts}{rule}"), "facts in an appended block");
    assert_gated(rule, "rules in an appended block");
}

#[test]
fn a_check_that_joins_much_is_refused() {
    assert_gated(
        "check if within($a), org($b), time($c), project($d)",
        "too many predicates",
    );
    assert_gated(
        "check if within($a), within($b), $a != $b",
        "joins a predicate with itself",
    );
}

#[test]
fn a_predicate_under_two_indexes_is_refused() {
    let keys = keyring();
    let token = with_block(&keys, |block| {
        block.symbols = vec!["within".to_owned(), "within".to_owned()];
    });
    assert_refused(&keys, &token, "lists a symbol twice");
}

#[test]
fn closures_are_refused_at_any_depth() {
    let list: Vec<String> = (0..40).map(|i| i.to_string()).collect();
    let list = list.join(",");
    let mut nested = "false".to_owned();
    for name in ["a", "b", "c", "d"] {
        nested = format!("[{list}].any(${name} -> {nested})");
    }
    assert_gated(&format!("check if {nested}"), "closure");
    assert_gated("check if true && true", "closure");
}

#[test]
fn a_regular_expression_and_growing_values_are_refused() {
    for check in [
        r#"check if "aaaa".matches("(a{1,100}){1,100}")"#,
        r#"check if operation($o), ($o + $o) == "x""#,
        r#"check if 1 + 1 == 2"#,
        r#"check if {1}.union({2}) == {1, 2}"#,
        r#"check if "x".length() == 1"#,
        r#"check if "x".extern::f()"#,
    ] {
        assert_gated(check, "operation we refuse");
    }
}

#[test]
fn many_checks_queries_expressions_and_operations_are_refused() {
    assert_gated(&"check if true;".repeat(17), "too many checks");
    let queries = ["true"; 5].join(" or ");
    assert_gated(&format!("check if {queries}"), "too many queries");
    let expressions = ["true"; 9].join(", ");
    assert_gated(&format!("check if {expressions}"), "too many expressions");
    let operations = format!("{}true", "!".repeat(32));
    assert_gated(&format!("check if {operations}"), "too many operations");
}

#[test]
fn just_within_the_limits_is_admitted() {
    let keys = keyring();
    let query = format!("time($t), org($o), {}", ["true"; 8].join(", "));
    let queries = vec![query; 4].join(" or ");
    let block = datalog(&format!(
        "check if {queries}; {}",
        "check if true;".repeat(15)
    ));
    let mut token = user_token(&keys);
    token = append(&keys, &token, block);
    for _ in 2..gate::MAX_BLOCKS {
        token = append(&keys, &token, datalog("check if true"));
    }
    assert_eq!(
        permitted(&keys, &token, Action::NodeRead, &place(&[root()])),
        Ok(())
    );
    token = append(&keys, &token, datalog("check if true"));
    assert_refused(&keys, &token, "too many blocks");
}

#[test]
fn two_hundred_blocks_are_refused() {
    let keys = keyring();
    let mut token = open(&keys, &user_token(&keys));
    for _ in 0..200 {
        token = token.append(datalog("check if true")).unwrap();
    }
    assert_refused(&keys, &token.to_base64().unwrap(), "too long");
}

#[test]
fn large_and_nested_collections_are_refused() {
    let numbers: Vec<String> = (0..65).map(|i| i.to_string()).collect();
    let numbers = numbers.join(",");
    assert_gated(
        &format!("check if {{{numbers}}}.contains(1)"),
        "too large a collection",
    );
    assert_gated(
        &format!("check if [{numbers}].contains(1)"),
        "too large a collection",
    );
    assert_gated("check if [[1]].contains([1])", "nests collections");
    assert_gated(r#"check if {"a": [1]}.contains("a")"#, "nests collections");
    assert_gated("check if f([[1]])", "nests collections");
}

#[test]
fn a_term_nested_to_the_bottom_of_the_stack_is_refused() {
    use schema::term::Content;
    let keys = keyring();
    let mut deep = term(Content::Bool(true));
    for _ in 0..400 {
        deep = term(Content::Array(schema::Array { array: vec![deep] }));
    }
    let token = with_block(&keys, |block| {
        let value = Some(schema::op::Content::Value(deep));
        block.checks[0].queries[0].expressions = vec![schema::Expression {
            ops: vec![schema::Op { content: value }],
        }];
    });
    assert_refused(&keys, &token, "unreadable block");
}

#[test]
fn empty_terms_and_operations_scopes_and_foreign_keys_are_refused() {
    let keys = keyring();
    let token = with_block(&keys, |block| {
        block.checks[0].queries[0].body[0].terms = vec![schema::Term { content: None }];
    });
    assert_refused(&keys, &token, "empty term");
    let token = with_block(&keys, |block| {
        block.checks[0].queries[0].expressions = vec![schema::Expression {
            ops: vec![schema::Op { content: None }],
        }];
    });
    assert_refused(&keys, &token, "empty operation");
    let token = with_block(&keys, |block| {
        block.checks[0].queries[0].head.terms = vec![term(schema::term::Content::Integer(1))];
    });
    assert_refused(&keys, &token, "check with a head");
    let scoped = BlockBuilder::new().scope(Scope::Previous);
    let token = append(&keys, &user_token(&keys), scoped);
    assert_refused(&keys, &token, "scope in an appended");
    assert_gated("check if true trusting previous", "scope in a check");
}

#[test]
fn a_third_party_block_is_refused() {
    let keys = keyring();
    let token = open(&keys, &user_token(&keys));
    let theirs = KeyPair::new();
    let block = token
        .third_party_request()
        .unwrap()
        .create_block(&theirs.private(), datalog(r#"operation("node.read")"#))
        .unwrap();
    let token = token.append_third_party(theirs.public(), block).unwrap();
    assert_refused(&keys, &token.to_base64().unwrap(), "third-party block");
}

#[test]
fn a_key_of_another_algorithm_is_refused() {
    let keys = keyring();
    let next = KeyPair::new_with_algorithm(Algorithm::Secp256r1);
    let token = open(&keys, &user_token(&keys))
        .append_with_keypair(&next, datalog("check if true"))
        .unwrap();
    assert_refused(&keys, &token.to_base64().unwrap(), "isn't Ed25519");
}

#[test]
fn facts_that_grant_things_gain_nothing() {
    let keys = keyring();
    let narrow = execution_token(&keys, &[Action::NodeRead]);
    for grant in [
        r#"right("*")"#,
        r#"operation("node.read")"#,
        &format!(r#"within("{}")"#, root()),
        &format!(r#"user("{}")"#, id::<crate::kernel::entity::User>(77)),
        &format!(r#"execution("{}")"#, id::<crate::kernel::entity::User>(77)),
        r#"operation("node.read") <- operation("node.delete")"#,
    ] {
        let token = append(&keys, &narrow, datalog(grant));
        assert_refused(&keys, &token, "in an appended block");
    }
}

#[test]
fn an_appended_check_for_more_gives_no_more() {
    let keys = keyring();
    let narrow = execution_token(&keys, &[Action::NodeRead]);
    let token = append(
        &keys,
        &narrow,
        datalog(r#"check if operation("node.delete")"#),
    );
    for action in [Action::NodeRead, Action::NodeDelete] {
        assert_eq!(
            permitted(&keys, &token, action, &place(&[root()])),
            Err(Code::Forbidden)
        );
    }
}

#[test]
fn a_narrowing_can_not_be_cut_off_or_moved_to_another_token() {
    let keys = keyring();
    let narrow = rewritten(&keys, |_| {});
    assert_eq!(verdict(&keys, &narrow), Ok(()));
    let cut = rewritten(&keys, |message| message.blocks.clear());
    assert_eq!(verdict(&keys, &cut), Err(Code::TokenInvalid));

    // The first block of a token for an execution is a whole token's first block.
    let execution = gate::BASE64
        .decode(execution_token(&keys, &[Action::NodeRead]))
        .unwrap();
    let execution = schema::Biscuit::decode(execution.as_slice()).unwrap();
    let moved = rewritten(&keys, |message| message.authority = execution.authority);
    assert_eq!(verdict(&keys, &moved), Err(Code::TokenInvalid));
}

#[test]
fn every_altered_bit_is_refused() {
    let keys = keyring();
    for token in [
        user_token(&keys),
        append(&keys, &user_token(&keys), datalog(r#"check if org("x")"#)),
    ] {
        let good = gate::BASE64.decode(token).unwrap();
        for at in 0..good.len() {
            for bit in [0x01, 0x10, 0x80] {
                let mut bad = good.clone();
                bad[at] ^= bit;
                let verdict = verdict(&keys, &gate::BASE64.encode(bad));
                assert_eq!(verdict, Err(Code::TokenInvalid), "byte {at} bit {bit:#x}");
            }
        }
        for length in 0..good.len() {
            let cut = gate::BASE64.encode(&good[..length]);
            assert!(verdict(&keys, &cut).is_err(), "cut at {length}");
        }
    }
}

#[test]
fn another_root_key_is_refused() {
    let token = user_token(&keyring());
    assert_eq!(verdict(&keyring(), &token), Err(Code::TokenInvalid));
}

#[test]
fn a_token_that_names_no_key_is_refused() {
    let keys = keyring();
    let token = rewritten(&keys, |message| message.root_key_id = None);
    assert_eq!(verdict(&keys, &token), Err(Code::TokenInvalid));
}

#[test]
fn a_first_block_of_a_form_we_do_not_mint_is_refused_though_we_signed_it() {
    let seed = Keyring::generate();
    let keys = Keyring::new(seed.clone(), KEY_ID, &[]).unwrap();
    let root = PrivateKey::from_bytes_hex(seed.expose_secret(), Algorithm::Ed25519).unwrap();
    let root = KeyPair::from(&root);
    let signed = |source: &str| {
        let block = BiscuitBuilder::new().root_key_id(KEY_ID);
        let token = block.code(source).unwrap().build(&root).unwrap();
        token.to_base64().unwrap()
    };
    let user = format!(r#"user("{}");"#, user());
    let expires = "expires(2100-01-01T00:00:00Z);";
    assert_eq!(verdict(&keys, &signed(&format!("{user}{expires}"))), Ok(()));
    for source in [
        "",
        &user,
        expires,
        &format!("{user}expires(\"tomorrow\");"),
        &format!("user(\"root\");{expires}"),
        &format!("{user}user(\"{}\");{expires}", uuid::Uuid::from_u128(2)),
        &format!("{user}{expires}expires(2200-01-01T00:00:00Z);"),
        &format!("{user}{expires}admin(true);"),
        &format!("{user}{expires}check if operation(\"node.read\")"),
        &format!("{user}{expires}admin(true) <- user($u)"),
    ] {
        assert_refused(&keys, &signed(source), "things we don't know");
    }
}

#[test]
fn other_texts_are_refused() {
    let keys = keyring();
    let token = user_token(&keys);
    for text in [
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.",
        "eyJhbGciOiJub25lIn0",
        "Bearer",
        "null",
        "AAAA",
        "\u{0}",
        "ключ",
        &format!(" {token}"),
        &format!("{token}\n"),
        &format!("Bearer {token}"),
        &token.repeat(2),
        &"A".repeat(gate::MAX_TEXT),
        &"A".repeat(1_000_000),
    ] {
        assert_eq!(verdict(&keys, text), Err(Code::TokenInvalid), "{text:.20}");
    }
}

#[test]
fn a_failed_checks_text_is_cut_for_the_log_and_never_returned() {
    let keys = keyring();
    let secret = "hunter2\nERROR forged".to_owned() + &"x".repeat(1000);
    let block = BlockBuilder::new()
        .code_with_params(
            "check if org({text})",
            [("text".to_owned(), biscuit_auth::builder::string(&secret))].into(),
            std::collections::HashMap::new(),
        )
        .unwrap();
    let token = keys
        .verify(&append(&keys, &user_token(&keys), block), now())
        .unwrap();
    let error = token
        .permits(Action::NodeDelete, &place(&[root()]), now())
        .unwrap_err();
    assert_eq!(error.message(), "You are not allowed to delete this node.");
    assert!(error.details().is_none());
    assert!(error.chain().contains("hunter2"), "{error:?}");
    assert!(!error.chain().contains('\n'));
    assert!(error.chain().len() < 400, "{}", error.chain().len());
}

#[test]
fn a_check_that_can_not_be_evaluated_does_not_hold() {
    let keys = keyring();
    let block = datalog(r#"check if operation($o), $o < 3"#);
    let token = append(&keys, &user_token(&keys), block);
    assert_eq!(
        permitted(&keys, &token, Action::NodeRead, &place(&[root()])),
        Err(Code::Forbidden)
    );
}

#[test]
fn a_seed_is_not_a_token() {
    let seed: SecretString = Keyring::generate();
    let keys = Keyring::new(seed.clone(), KEY_ID, &[]).unwrap();
    assert_eq!(
        verdict(&keys, seed.expose_secret()),
        Err(Code::TokenInvalid)
    );
}

proptest! {
    #[test]
    fn random_text_never_panics(text in ".{0,200}") {
        prop_assert!(keyring().verify(&text, now()).is_err());
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(keyring().verify(&gate::BASE64.encode(bytes), now()).is_err());
    }

    /// Random bytes where the gate and the Datalog conversion read, in an otherwise
    /// whole token; and random bytes written over a good one.
    #[test]
    fn random_blocks_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        at in 0_usize..600,
    ) {
        let keys = keyring();
        let token = rewritten(&keys, |message| message.blocks[0].block = bytes.clone());
        prop_assert!(keys.verify(&token, now()).is_err());

        let mut good = gate::BASE64.decode(execution_token(&keys, &[Action::NodeRead])).unwrap();
        let changed = good.iter_mut().skip(at).zip(&bytes).fold(false, |changed, (old, new)| {
            let differs = old != new;
            *old = *new;
            changed || differs
        });
        let verdict = keys.verify(&gate::BASE64.encode(good), now());
        prop_assert_eq!(verdict.is_err(), changed);
    }
}
