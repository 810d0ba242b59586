//! What good tokens say, what they permit, and how keys are rotated.

use secrecy::SecretString;

use super::*;
use crate::kernel::text::TextEnum;

#[test]
fn a_user_token_says_who_and_until_when() {
    let keys = keyring();
    let minted = keys.mint_user(user(), now(), hour()).unwrap();
    assert_eq!(minted.expires_at, now() + hour());

    let token = keys.verify(&text(&minted), now()).unwrap();
    assert_eq!(token.user(), user());
    assert_eq!(token.execution(), None);
    assert_eq!(token.expires_at(), minted.expires_at);
    assert_eq!(token.revocation_ids().len(), 1);
}

#[test]
fn the_promised_expiry_is_the_one_in_the_token_to_the_second() {
    let keys = keyring();
    let at = now() + TimeDelta::milliseconds(900);
    let minted = keys.mint_user(user(), at, hour()).unwrap();
    assert_eq!(minted.expires_at, now() + hour());
    let token = keys.verify(&text(&minted), at).unwrap();
    assert_eq!(token.expires_at(), minted.expires_at);
}

#[test]
fn a_user_token_permits_everything_that_roles_decide_about() {
    let keys = keyring();
    let token = user_token(&keys);
    for &action in Action::ALL {
        assert_eq!(permitted(&keys, &token, action, &Place::default()), Ok(()));
    }
}

#[test]
fn no_text_is_a_missing_token() {
    assert_eq!(verdict(&keyring(), ""), Err(Code::Unauthenticated));
}

#[test]
fn a_token_ends_at_its_expiry_also_when_it_was_verified_before() {
    let keys = keyring();
    for text in [
        user_token(&keys),
        execution_token(&keys, &[Action::NodeRead]),
    ] {
        let end = now() + hour();
        let last = end - TimeDelta::milliseconds(1);
        let place = place(&[root()]);
        let token = keys.verify(&text, last).unwrap();
        assert!(token.permits(Action::NodeRead, &place, last).is_ok());

        let late = keys.verify(&text, end).unwrap_err();
        assert_eq!(late.code(), Code::TokenExpired);
        let late = token.permits(Action::NodeRead, &place, end).unwrap_err();
        assert_eq!(late.code(), Code::TokenExpired);
    }
}

#[test]
fn a_lifetime_out_of_range_is_an_error_and_not_a_panic() {
    let keys = keyring();
    for ttl in [TimeDelta::MAX, TimeDelta::MIN, -TimeDelta::days(40_000)] {
        assert!(keys.mint_user(user(), now(), ttl).is_err(), "{ttl}");
    }
}

#[test]
fn an_execution_token_acts_with_its_listed_actions_only() {
    let keys = keyring();
    let listed = [Action::NodeRead, Action::OutputAdd];
    let token = execution_token(&keys, &listed);
    for &action in Action::ALL {
        let expected = if listed.contains(&action) {
            Ok(())
        } else {
            Err(Code::Forbidden)
        };
        assert_eq!(
            permitted(&keys, &token, action, &place(&[root()])),
            expected,
            "{action}"
        );
    }
}

#[test]
fn an_execution_token_acts_on_its_node_and_below_only() {
    let keys = keyring();
    let token = execution_token(&keys, &[Action::NodeRead]);
    let read = |place: &Place| permitted(&keys, &token, Action::NodeRead, place);
    let (child, grandchild, parent, sibling) = (id(11), id(12), id(9), id(13));

    assert_eq!(read(&place(&[root(), parent])), Ok(()));
    assert_eq!(read(&place(&[grandchild, child, root(), parent])), Ok(()));
    assert_eq!(read(&place(&[parent])), Err(Code::Forbidden));
    assert_eq!(read(&place(&[sibling, parent])), Err(Code::Forbidden));
    assert_eq!(read(&place(&[])), Err(Code::Forbidden), "no node at all");
}

#[test]
fn an_execution_token_acts_in_its_organization_only() {
    let keys = keyring();
    let token = execution_token(&keys, &[Action::NodeRead]);
    for org in [None, Some(id(99))] {
        let elsewhere = Place {
            org,
            ..place(&[root()])
        };
        assert_eq!(
            permitted(&keys, &token, Action::NodeRead, &elsewhere),
            Err(Code::Forbidden)
        );
    }
}

#[test]
fn an_execution_token_names_its_execution_and_has_two_revocation_ids() {
    let keys = keyring();
    let token = keys.verify(&execution_token(&keys, &[]), now()).unwrap();
    assert_eq!(token.user(), user());
    assert_eq!(token.execution(), Some(execution()));
    let [first, second] = token.revocation_ids() else {
        panic!("one id for each block");
    };
    assert_ne!(first, second);
    assert!([first, second].iter().all(|id| id.len() == 128));
}

#[test]
fn an_execution_token_with_every_action_passes_the_gate() {
    assert!(Action::ALL.len() <= gate::MAX_ENTRIES);
    let keys = keyring();
    let token = execution_token(&keys, Action::ALL);
    assert_eq!(verdict(&keys, &token), Ok(()));
}

#[test]
fn an_execution_token_without_actions_does_nothing() {
    let keys = keyring();
    let token = execution_token(&keys, &[]);
    for &action in Action::ALL {
        assert_eq!(
            permitted(&keys, &token, action, &place(&[root()])),
            Err(Code::Forbidden)
        );
    }
}

#[test]
fn an_organizations_token_names_its_row_and_speaks_for_its_maker() {
    let keys = keyring();
    let text = org_token(&keys, &[Action::NodeRead], None, None);
    let token = keys.verify(&text, now()).unwrap();
    assert_eq!(token.user(), user());
    assert_eq!(token.id(), Some(id(20)));
    assert_eq!(token.execution(), None);
    assert!(token.is_narrowed());
    assert_eq!(keys.verify(&user_token(&keys), now()).unwrap().id(), None);
}

#[test]
fn an_organizations_token_is_revoked_by_an_id_that_is_known_when_it_is_made() {
    let keys = keyring();
    let minted = keys.mint_user(user(), now(), hour()).unwrap();
    let token = keys.verify(&text(&minted), now()).unwrap();
    assert_eq!(token.revocation_ids().first(), Some(&minted.revocation_id));
}

#[test]
fn an_organizations_token_acts_where_it_was_narrowed_to() {
    let keys = keyring();
    let nodes = [Action::NodeRead];
    let whole = org_token(&keys, &nodes, None, None);
    let in_project = org_token(&keys, &nodes, Some(project(4)), None);
    let on_node = org_token(&keys, &nodes, None, Some(root()));
    let here = place(&[id(11), root()]);
    let other_project = Place {
        project: Some(project(5)),
        ..here.clone()
    };
    let other_org = Place {
        org: Some(id(99)),
        ..here.clone()
    };
    for (token, allowed) in [
        (&whole, [true, true, true, false]),
        (&in_project, [true, true, false, false]),
        (&on_node, [true, false, true, false]),
    ] {
        for (place, allowed) in [&here, &place(&[]), &other_project, &other_org]
            .into_iter()
            .zip(allowed)
        {
            let permitted = permitted(&keys, token, Action::NodeRead, place);
            assert_eq!(permitted.is_ok(), allowed, "{place:?}");
        }
        let other_action = permitted(&keys, token, Action::NodeUpdate, &here);
        assert_eq!(other_action, Err(Code::Forbidden));
    }
}

#[test]
fn no_narrowed_token_manages_tokens_whatever_its_checks_say() {
    let keys = keyring();
    let nothing_taken = append(&keys, &user_token(&keys), datalog("check if time($t)"));
    for token in [
        org_token(&keys, Action::ALL, None, None),
        execution_token(&keys, Action::ALL),
        nothing_taken,
    ] {
        let manage = permitted(&keys, &token, Action::TokenManage, &place(&[root()]));
        assert_eq!(manage, Err(Code::Forbidden));
        let read = permitted(&keys, &token, Action::NodeRead, &place(&[root()]));
        assert_eq!(read, Ok(()));
    }
}

#[test]
fn a_bearer_can_not_claim_to_be_another_token() {
    let keys = keyring();
    let token = append(
        &keys,
        &org_token(&keys, &[Action::NodeRead], None, None),
        datalog("check if time($t)"),
    );
    let narrowed = keys.verify(&token, now()).unwrap();
    assert_eq!(narrowed.id(), Some(id(20)), "also when narrowed further");
    let claim = append(&keys, &user_token(&keys), datalog(r#"token("x")"#));
    assert_eq!(verdict(&keys, &claim), Err(Code::TokenInvalid));
}

#[test]
fn a_remembered_token_means_the_same_and_an_altered_one_nothing() {
    let keys = keyring();
    let text = execution_token(&keys, &[Action::NodeRead]);
    for _ in 0..2 {
        let read = permitted(&keys, &text, Action::NodeRead, &place(&[root()]));
        assert_eq!(read, Ok(()));
        let update = permitted(&keys, &text, Action::NodeUpdate, &place(&[root()]));
        assert_eq!(update, Err(Code::Forbidden));
        let (before, after) = text.split_at(text.len() / 2);
        let other = if after.starts_with('A') { 'B' } else { 'A' };
        let altered = format!("{before}{other}{}", &after[1..]);
        assert_eq!(verdict(&keys, &altered), Err(Code::TokenInvalid));
    }
}

#[test]
fn a_narrowing_keeps_the_first_blocks_revocation_id() {
    let keys = keyring();
    let wide = user_token(&keys);
    let narrow = append(&keys, &wide, datalog(r#"check if operation("node.read")"#));
    let wide = keys.verify(&wide, now()).unwrap();
    let narrow = keys.verify(&narrow, now()).unwrap();
    assert_eq!(
        narrow.revocation_ids().first(),
        wide.revocation_ids().first()
    );
    assert_eq!(narrow.revocation_ids().len(), 2);
}

#[test]
fn a_bearer_narrows_by_operation() {
    let keys = keyring();
    let block = datalog(r#"check if operation($o), {"node.read", "file.read"}.contains($o)"#);
    let token = append(&keys, &user_token(&keys), block);
    let ask = |action| permitted(&keys, &token, action, &place(&[root()]));
    assert_eq!(ask(Action::NodeRead), Ok(()));
    assert_eq!(ask(Action::FileRead), Ok(()));
    assert_eq!(ask(Action::NodeDelete), Err(Code::Forbidden));
}

#[test]
fn a_bearer_narrows_by_subtree_project_and_time() {
    let keys = keyring();
    let source = format!(
        r#"check if within("{}"); check if project("{}"); check if time($t), $t < {}"#,
        root(),
        project(4),
        (now() + TimeDelta::minutes(5)).format("%FT%TZ"),
    );
    let token = append(&keys, &user_token(&keys), datalog(&source));
    let token = keys.verify(&token, now()).unwrap();
    let ask = |place: &Place, at| {
        token
            .permits(Action::NodeRead, place, at)
            .map_err(|error| error.code())
    };
    let here = place(&[id(11), root()]);
    assert_eq!(ask(&here, now()), Ok(()));
    assert_eq!(ask(&place(&[id(11)]), now()), Err(Code::Forbidden));
    let other_project = Place {
        project: Some(project(5)),
        ..here.clone()
    };
    assert_eq!(ask(&other_project, now()), Err(Code::Forbidden));
    let later = now() + TimeDelta::minutes(5);
    assert_eq!(ask(&here, later), Err(Code::Forbidden));
}

#[test]
fn narrowings_add_up() {
    let keys = keyring();
    let token = execution_token(&keys, &[Action::NodeRead, Action::NodeUpdate]);
    let token = append(
        &keys,
        &token,
        datalog(r#"check if operation("node.update") or operation("node.delete")"#),
    );
    let ask = |action| permitted(&keys, &token, action, &place(&[root()]));
    assert_eq!(ask(Action::NodeUpdate), Ok(()));
    assert_eq!(ask(Action::NodeRead), Err(Code::Forbidden));
    assert_eq!(ask(Action::NodeDelete), Err(Code::Forbidden));
}

#[test]
fn a_sealed_token_is_good() {
    let keys = keyring();
    let sealed = open(&keys, &user_token(&keys)).seal().unwrap();
    assert_eq!(verdict(&keys, &sealed.to_base64().unwrap()), Ok(()));
}

#[test]
fn an_old_key_still_verifies_after_a_rotation_and_an_unknown_one_does_not() {
    let old = keyring();
    let token = user_token(&old);
    let earlier = [(KEY_ID, old.public_key())];
    let new = Keyring::new(Keyring::generate(), 8, &earlier).unwrap();
    assert_eq!(verdict(&new, &token), Ok(()));
    assert_eq!(verdict(&new, &user_token(&new)), Ok(()));
    assert_eq!(verdict(&old, &user_token(&new)), Err(Code::TokenInvalid));

    let forgotten = Keyring::new(Keyring::generate(), 9, &[]).unwrap();
    assert_eq!(verdict(&forgotten, &token), Err(Code::TokenInvalid));
    // The number alone is no help: another key under it does not verify.
    let impostor = keyring();
    assert_eq!(verdict(&impostor, &token), Err(Code::TokenInvalid));
}

#[test]
fn a_seed_makes_the_same_key_on_every_start() {
    let seed = Keyring::generate();
    let first = Keyring::new(seed.clone(), KEY_ID, &[]).unwrap();
    let second = Keyring::new(seed, KEY_ID, &[]).unwrap();
    assert_eq!(first.public_key(), second.public_key());
    assert_eq!(verdict(&second, &user_token(&first)), Ok(()));
}

#[test]
fn unusable_keys_are_refused_without_being_quoted() {
    for seed in ["", "zz", "abcd", &"g1".repeat(32), &"ab".repeat(33)] {
        let error = Keyring::new(SecretString::from(seed), 1, &[]).unwrap_err();
        assert!(
            seed.is_empty() || !error.chain().contains(seed),
            "{error:?}"
        );
    }
    let public = keyring().public_key();
    for earlier in [
        vec![(2, "not a key".to_owned())],
        vec![(1, public.clone())],
        vec![(2, public.clone()), (2, public)],
    ] {
        assert!(Keyring::new(Keyring::generate(), 1, &earlier).is_err());
    }
}

#[test]
fn debug_output_shows_no_key_and_no_token() {
    let seed = Keyring::generate();
    let keys = Keyring::new(seed.clone(), KEY_ID, &[]).unwrap();
    assert_eq!(
        format!("{keys:?}"),
        "Keyring { current: 7, known: [7], .. }"
    );

    let minted = keys.mint_user(user(), now(), hour()).unwrap();
    let token = keys.verify(&text(&minted), now()).unwrap();
    assert!(!format!("{minted:?}").contains(&text(&minted)));
    assert_eq!(
        format!("{token:?}"),
        "Token { user: 00000000-0000-0000-0000-000000000001, execution: None, \
         token: None, expires_at: 2027-01-15T09:00:00Z, .. }"
    );
}

#[test]
fn running_out_of_time_is_our_trouble_and_can_be_tried_again() {
    let limit = biscuit_auth::error::RunLimit::Timeout;
    let error = biscuit_auth::error::Token::RunLimit(limit);
    let error = token::refused(Action::NodeRead, &error);
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.retryable());
}
