//! Grants: who grants what to whom, and that a child is narrower in every dimension.

use super::world::{
    DAY, SECOND, World, amount, application, document, name, names, policy, refusal, rule, seal, sorted, step,
};
use sealcore::Rule;
use sealcore::authority::{
    Application, Grant, GrantRevoke, GrantStatus, Life, MAX_DEPTH, PersonLeft, Policy, Role, StatementId,
};

fn revoke(grant: StatementId) -> GrantRevoke {
    GrantRevoke { grant, reason: name("test"), note: None }
}

/// A standing grant to "liwei" with limits in every dimension, and its child to "mary", equal except for its depth.
fn parent_and_child(world: &mut World) -> (StatementId, Grant) {
    let parent = Grant {
        depth_left: 3,
        documents: sorted(vec![document("contract"), document("annex")]),
        classes: names(&["contract", "letter"]),
        max_amounts: vec![amount("CNY", 1_000_000), amount("EUR", 500)],
        ..world.standing_grant()
    };
    let id = world.say("olga", parent.clone()).expect("parent");
    (id, Grant { grantee: name("mary"), parent: Some(id), depth_left: 2, ..parent })
}

#[test]
fn who_grants() {
    let mut world = World::company();
    let grant = world.standing_grant();
    for person in ["ann", "boss", "audrey", "cat", "mary", "founder"] {
        assert_eq!(rule(world.say(person, grant.clone())), Rule::NotPermitted, "{person}");
    }
    world.say("olga", grant.clone()).expect("an authoriser above");
    assert_eq!(rule(world.say("olga", grant)), Rule::Duplicate);
    world.hire("eve", "otto", "east", &[Role::Authoriser]);
    assert_eq!(rule(world.say("otto", world.standing_grant())), Rule::NotPermitted, "an authoriser of a branch");
}

#[test]
fn to_whom_and_for_which_seal() {
    let mut world = World::company();
    let to = |grantee: &str, world: &World| Grant { grantee: name(grantee), ..world.standing_grant() };
    assert_eq!(rule(world.say("olga", to("ann", &world))), Rule::NotPermitted);
    assert_eq!(rule(world.say("olga", to("nobody", &world))), Rule::UnknownReference);
    world.person("boss", "olga", 2, "hq", &[Role::Authoriser, Role::Applicant]).expect("both");
    assert_eq!(rule(world.say("olga", to("olga", &world))), Rule::NotPermitted, "nobody grants to himself");
    let detour = Grant { depth_left: 1, ..to("liwei", &world) };
    let parent = world.say("olga", detour.clone()).expect("to liwei");
    let back = Grant { grantee: name("olga"), parent: Some(parent), depth_left: 0, ..detour };
    assert_eq!(rule(world.say("liwei", back)), Rule::NotPermitted, "not by a detour either");
    world.say("eve", PersonLeft { person: name("mary"), reason: name("left"), note: None }).expect("left");
    assert_eq!(rule(world.say("olga", to("mary", &world))), Rule::NotPermitted);
    assert_eq!(rule(world.say("olga", Grant { seal: name("none"), ..to("liwei", &world) })), Rule::UnknownReference);
    assert_eq!(rule(world.say("olga", Grant { seal_version: 2, ..to("liwei", &world) })), Rule::SealNotActive);
    let over = Grant { valid_from: world.now - DAY, valid_to: world.now, ..to("liwei", &world) };
    assert_eq!(rule(world.say("olga", over)), Rule::GrantExpired);
    world.say("boss", Policy { revision: 2, applicant_units: names(&["east"]), ..policy() }).expect("east only");
    world.hire("boss", "hugo", "hq", &[Role::Applicant]);
    assert_eq!(rule(world.say("olga", to("hugo", &world))), Rule::NotPermitted);
}

#[test]
fn a_grant_on_an_application() {
    let mut world = World::company();
    let filed = world.say("liwei", application(2)).expect("application");
    let at = world.log.len() as u64 - 1;
    let in_force = world.state.policy_record(&name("two-of-three")).expect("policy").current().0.index;
    world.approve("ann", filed).expect("one of two");
    assert_eq!(refusal(world.say("olga", world.grant_on(filed, 1))), (Rule::ApprovalRequired, in_force, 2, 1));
    world.approve("bob", filed).expect("two of two");
    let other = Grant { documents: vec![document("other")], ..world.grant_on(filed, 1) };
    assert_eq!(refusal(world.say("olga", other)), (Rule::DocumentMismatch, at, 2, 1));
    assert_eq!(refusal(world.say("olga", world.grant_on(filed, 3))), (Rule::LimitExceeded, at, 2, 3));
    let to_another = Grant { grantee: name("mary"), ..world.grant_on(filed, 1) };
    assert_eq!(rule(world.say("olga", to_another)), Rule::NotPermitted);
    let class = Grant { classes: names(&["letter"]), ..world.grant_on(filed, 1) };
    assert_eq!(rule(world.say("olga", class)), Rule::LimitExceeded);
    let low = Grant { max_amounts: vec![amount("CNY", 999_999)], ..world.grant_on(filed, 1) };
    assert_eq!(rule(world.say("olga", low)), Rule::LimitExceeded);
    let unknown = world.grant_on(StatementId([1; 32]), 1);
    assert_eq!(rule(world.say("olga", unknown)), Rule::UnknownReference);
    let narrow = Grant {
        classes: names(&["contract"]),
        max_amounts: vec![amount("CNY", 1_000_000)],
        ..world.grant_on(filed, 2)
    };
    world.say("olga", narrow).expect("within the application");
}

#[test]
fn a_child_is_narrower_in_every_dimension() {
    let mut world = World::company();
    let (parent, child) = parent_and_child(&mut world);
    world.clone().say("liwei", child.clone()).expect("equal limits, less depth");
    let at = world.state.grant_record(&parent).expect("parent").at.index;
    let narrower: [(&str, Grant); 7] = [
        ("uses", Grant { max_uses: 9, ..child.clone() }),
        ("from", Grant { valid_from: child.valid_from + SECOND, ..child.clone() }),
        ("to", Grant { valid_to: child.valid_to - 1, ..child.clone() }),
        ("documents", Grant { documents: vec![document("annex")], ..child.clone() }),
        ("classes", Grant { classes: names(&["letter"]), ..child.clone() }),
        ("amounts", Grant { max_amounts: vec![amount("CNY", 1)], ..child.clone() }),
        ("depth", Grant { depth_left: 0, ..child.clone() }),
    ];
    for (what, grant) in narrower {
        world.clone().say("liwei", grant).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    let mut documents = child.documents.clone();
    documents.push(document("third"));
    let wider: [(&str, Grant); 14] = [
        ("uses", Grant { max_uses: 11, ..child.clone() }),
        ("from", Grant { valid_from: child.valid_from - 1, ..child.clone() }),
        ("to", Grant { valid_to: child.valid_to + 1, ..child.clone() }),
        ("another document", Grant { documents: vec![document("third")], ..child.clone() }),
        ("one document more", Grant { documents: sorted(documents), ..child.clone() }),
        ("every document", Grant { documents: Vec::new(), ..child.clone() }),
        ("another class", Grant { classes: names(&["loan"]), ..child.clone() }),
        ("one class more", Grant { classes: names(&["contract", "letter", "loan"]), ..child.clone() }),
        ("every class", Grant { classes: Vec::new(), ..child.clone() }),
        ("a higher amount", Grant { max_amounts: vec![amount("CNY", 1_000_001)], ..child.clone() }),
        ("another currency", Grant { max_amounts: vec![amount("USD", 1)], ..child.clone() }),
        ("every amount", Grant { max_amounts: Vec::new(), ..child.clone() }),
        ("as deep", Grant { depth_left: 3, ..child.clone() }),
        ("deeper", Grant { depth_left: 8, ..child.clone() }),
    ];
    for (what, grant) in wider {
        let (rule, statement, ..) = refusal(world.clone().say("liwei", grant));
        assert_eq!((rule, statement), (Rule::GrantWidened, at), "{what}");
    }
    // Another seal, and another application.
    world.say("boss", sealcore::authority::Seal { id: name("second"), ..seal(1) }).expect("seal");
    let active = sealcore::authority::SealState { seal: name("second"), ..step(1, 1, Life::Active) };
    world.say("boss", active).expect("active");
    let other = Grant { seal: name("second"), ..child.clone() };
    assert_eq!(rule(world.say("liwei", other)), Rule::GrantWidened);
    // Only the grantee of the parent makes children.
    for person in ["olga", "cat", "mary"] {
        let grant = Grant { grantee: name(if person == "mary" { "cat" } else { "mary" }), ..child.clone() };
        assert_eq!(rule(world.say(person, grant)), Rule::NotPermitted, "{person}");
    }
}

#[test]
fn a_child_stays_with_its_parents_application() {
    let mut world = World::company();
    let (first, second) = (world.approved(2), {
        let id = world.say("liwei", Application { purpose: [8; 32], ..application(2) }).expect("another application");
        world.approve("ann", id).expect("first");
        world.approve("bob", id).expect("second");
        id
    });
    let parent = Grant { depth_left: 1, ..world.grant_on(first, 2) };
    let id = world.say("olga", parent.clone()).expect("parent");
    let child = Grant { grantee: name("mary"), parent: Some(id), depth_left: 0, max_uses: 1, ..parent };
    for application in [Some(second), None] {
        let moved = Grant { application, ..child.clone() };
        assert_eq!(rule(world.say("liwei", moved)), Rule::GrantWidened);
    }
    world.say("liwei", child).expect("the same application");
}

#[test]
fn depth_is_bounded() {
    let mut world = World::company();
    for number in 0..=MAX_DEPTH {
        world.hire("eve", &format!("deputy-{number}"), "sales", &[Role::Applicant]);
    }
    let mut grant = Grant { grantee: name("deputy-0"), depth_left: MAX_DEPTH, ..world.standing_grant() };
    let mut id = world.say("olga", grant.clone()).expect("the root");
    for number in 1..=MAX_DEPTH {
        let grantee = name(&format!("deputy-{number}"));
        grant = Grant { grantee, parent: Some(id), depth_left: MAX_DEPTH - number, ..grant };
        id = world.say(&format!("deputy-{}", number - 1), grant.clone()).expect("a link");
    }
    let below = Grant { grantee: name("mary"), parent: Some(id), ..grant };
    assert_eq!(rule(world.say(&format!("deputy-{MAX_DEPTH}"), below)), Rule::GrantWidened);
    assert_eq!(world.state.grant_chain(&id).expect("chain").len(), usize::from(MAX_DEPTH) + 1);
    let unknown = Grant { parent: Some(StatementId([0; 32])), ..world.standing_grant() };
    assert_eq!(rule(world.say("olga", unknown)), Rule::UnknownReference);
}

#[test]
fn revoking_reaches_everything_below_and_nothing_above() {
    let mut world = World::company();
    let (parent, child) = parent_and_child(&mut world);
    let child_id = world.say("liwei", child.clone()).expect("child");
    let grandchild = Grant { grantee: name("cat"), parent: Some(child_id), depth_left: 1, ..child };
    let grandchild_id = world.say("mary", grandchild.clone()).expect("grandchild");
    let status = |world: &World, id| world.state.grant_status(&id, world.now).expect("known");
    for stranger in ["cat", "ann", "boss", "audrey", "founder"] {
        assert_eq!(rule(world.say(stranger, revoke(child_id))), Rule::NotPermitted, "{stranger}");
    }
    assert_eq!(rule(world.say("mary", revoke(child_id))), Rule::NotPermitted, "the grantee is below");
    for entitled in ["mary", "liwei", "olga"] {
        world.clone().say(entitled, revoke(grandchild_id)).unwrap_or_else(|error| panic!("{entitled}: {error}"));
    }
    world.say("liwei", revoke(child_id)).expect("its grantor");
    assert_eq!(status(&world, parent), GrantStatus::Active);
    assert_eq!(status(&world, child_id), GrantStatus::Revoked);
    assert_eq!(status(&world, grandchild_id), GrantStatus::Revoked);
    assert_eq!(rule(world.say("liwei", revoke(child_id))), Rule::InvalidTransition);
    assert_eq!(rule(world.say("liwei", revoke(StatementId([0; 32])))), Rule::UnknownReference);
    let more = Grant { grantee: name("liwei"), parent: Some(grandchild_id), depth_left: 0, ..grandchild };
    assert_eq!(rule(world.say("cat", more)), Rule::GrantRevoked, "nothing grows below");
}

#[test]
fn how_a_grant_stands() {
    let mut world = World::company();
    let filed = world.approved(1);
    let later = Grant { valid_from: world.now + DAY, ..world.grant_on(filed, 1) };
    let (from, to) = (later.valid_from, later.valid_to);
    let id = world.say("olga", later).expect("grant");
    let status = |world: &World, now| world.state.grant_status(&id, now).expect("known");
    assert_eq!(status(&world, from - 1), GrantStatus::NotYet);
    assert_eq!(status(&world, from), GrantStatus::Active);
    assert_eq!(status(&world, to - 1), GrantStatus::Active);
    assert_eq!(status(&world, to), GrantStatus::Expired);
    world.now = from;
    world.use_seal(filed, id);
    assert_eq!(status(&world, from), GrantStatus::Exhausted);
    world.key_revoke("olga", world.rows["olga"]).expect("revoked");
    assert_eq!(status(&world, from), GrantStatus::Void);
    assert_eq!(rule(world.state.grant_status(&StatementId([0; 32]), from)), Rule::UnknownReference);
}
