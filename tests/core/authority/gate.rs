//! The gate: each reason for which it refuses a use, and how uses begin and end.

use super::world::{DAY, World, amount, application, document, name, names, policy, refusal, rule, seal, sorted, step};
use sealcore::Rule;
use sealcore::authority::{
    Application, Approval, Content, Digests, Grant, GrantRevoke, Life, PersonLeft, Policy, Position, Request, Role,
    SealUse, Statement, StatementId, UseDelivered, UseEnd, UseFailed,
};
use sealcore::ledger::EntryType;

#[test]
fn a_changed_document_is_refused() {
    let mut world = World::company();
    let filed = world.approved(2);
    let at = world.state.application_record(&filed).expect("application").at.index;
    let grant = world.granted(filed, 2);
    world.authorise(filed, grant).expect("the document that was approved");
    let changed = world.authorise_for(filed, grant, "liwei", document("contract, changed"));
    assert_eq!(refusal(changed), (Rule::DocumentMismatch, at, 2, 0));
    // Of the application, but not of the grant.
    assert_eq!(rule(world.authorise_for(filed, grant, "liwei", document("annex"))), Rule::DocumentMismatch);
    // The digests are a pair: one of this document and one of that are none.
    let mixed = Digests { sm3: document("annex").sm3, ..document("contract") };
    assert_eq!(rule(world.authorise_for(filed, grant, "liwei", mixed)), Rule::DocumentMismatch);
}

#[test]
fn uses_are_counted_by_the_grant_by_those_above_and_by_the_application() {
    let mut world = World::company();
    let filed = world.approved(3);
    let parent = Grant { depth_left: 1, ..world.grant_on(filed, 2) };
    let above = world.say("olga", parent.clone()).expect("parent");
    let child = Grant { grantee: name("mary"), parent: Some(above), depth_left: 0, ..parent };
    let below = world.say("liwei", child).expect("child");
    let at = world.state.grant_record(&above).expect("grant").at.index;
    let token = world.authorise_for(filed, below, "mary", document("contract")).expect("first");
    assert_eq!((token.usage().number, token.usage().of), (1, 2));
    world.take(&token).expect("taken");
    world.use_seal(filed, above);
    assert_eq!(world.state.grant_record(&above).expect("grant").used, 2);
    assert_eq!(world.state.grant_record(&below).expect("grant").used, 1);
    let exhausted = world.authorise_for(filed, below, "mary", document("contract"));
    assert_eq!(refusal(exhausted), (Rule::GrantExhausted, at, 2, 3), "the one above is exhausted");
    // A further grant does not stretch the application: three uses were asked for.
    let further = world.granted(filed, 3);
    world.use_seal(filed, further);
    let asked = world.state.application_record(&filed).expect("application").at.index;
    assert_eq!(refusal(world.authorise(filed, further)), (Rule::LimitExceeded, asked, 3, 4));
}

#[test]
fn a_grant_has_a_window() {
    let mut world = World::company();
    let filed = world.approved(5);
    let window = Grant { valid_from: world.now + DAY, ..world.grant_on(filed, 5) };
    let (from, to) = (window.valid_from, window.valid_to);
    let grant = world.say("olga", window).expect("grant");
    let at = world.log.len() as u64 - 1;
    let mut ask = |now| {
        world.now = now;
        world.authorise(filed, grant)
    };
    assert_eq!(refusal(ask(from - 1)), (Rule::GrantExpired, at, from, from - 1));
    ask(from).expect("from the first microsecond");
    ask(to - 1).expect("to the last");
    assert_eq!(refusal(ask(to)), (Rule::GrantExpired, at, to, to));
}

#[test]
fn a_revoked_ancestor_ends_the_use() {
    let mut world = World::company();
    let filed = world.approved(2);
    let parent = Grant { depth_left: 1, ..world.grant_on(filed, 2) };
    let above = world.say("olga", parent.clone()).expect("parent");
    let child = Grant { grantee: name("mary"), parent: Some(above), depth_left: 0, ..parent };
    let below = world.say("liwei", child).expect("child");
    let ask = |world: &World| world.authorise_for(filed, below, "mary", document("contract"));
    let token = ask(&world).expect("before");
    world.say("olga", GrantRevoke { grant: above, reason: name("fraud"), note: None }).expect("revoked");
    let at = world.log.len() as u64 - 1;
    let (rule_, statement, ..) = refusal(ask(&world));
    assert_eq!((rule_, statement), (Rule::GrantRevoked, at));
    // A revocation that is in the ledger before the use wins, also over a token that is older.
    world.now += 1;
    assert_eq!(rule(world.take(&token)), Rule::GrantRevoked);
}

#[test]
fn the_seal_must_be_active_at_the_version_of_the_grant() {
    let mut world = World::company();
    let filed = world.approved(2);
    let grant = world.granted(filed, 2);
    world.say("boss", step(1, 2, Life::Suspended)).expect("suspended");
    let at = world.log.len() as u64 - 1;
    let (rule_, statement, ..) = refusal(world.authorise(filed, grant));
    assert_eq!((rule_, statement), (Rule::SealNotActive, at));
    world.say("boss", step(1, 3, Life::Active)).expect("active again");
    world.authorise(filed, grant).expect("active");
    world.say("boss", seal(2)).expect("the next version");
    assert_eq!(rule(world.authorise(filed, grant)), Rule::SealNotActive);
    world.say("boss", step(2, 1, Life::Active)).expect("active");
    let (rule_, _, limit, actual) = refusal(world.authorise(filed, grant));
    assert_eq!((rule_, limit, actual), (Rule::SealNotActive, 2, 1));
}

#[test]
fn the_quorum_is_judged_at_the_use() {
    let mut world = World::company();
    let filed = world.say("liwei", application(2)).expect("application");
    let expires = world.now + 2 * DAY;
    world.say("ann", Approval { application: filed, expires }).expect("ann");
    world.approve("bob", filed).expect("bob");
    let grant = world.granted(filed, 2);
    let in_force = world.state.policy_record(&name("two-of-three")).expect("policy").current().0.index;
    let token = world.authorise(filed, grant).expect("two approvals");
    let approvers: Vec<_> =
        world.state.application_record(&filed).expect("it").approvals.iter().map(|a| a.id).collect();
    assert_eq!(token.usage().approvals, approvers);

    // Expired: to the microsecond.
    let mut later = world.clone();
    later.now = expires - 1;
    later.authorise(filed, grant).expect("the last microsecond");
    later.now = expires;
    assert_eq!(refusal(later.authorise(filed, grant)), (Rule::ApprovalRequired, in_force, 2, 1));
    later.approve("cat", filed).expect("another approver");
    later.authorise(filed, grant).expect("two again");

    // The approver has left, or is no approver any more, or his key is revoked.
    let mut without = world.clone();
    without.say("boss", PersonLeft { person: name("ann"), reason: name("left"), note: None }).expect("left");
    assert_eq!(rule(without.authorise(filed, grant)), Rule::ApprovalRequired);
    let mut without = world.clone();
    without.person("boss", "ann", 2, "hq", &[Role::Applicant]).expect("another role");
    assert_eq!(rule(without.authorise(filed, grant)), Rule::ApprovalRequired);
    let mut without = world.clone();
    without.key_revoke("founder", world.rows["ann"]).expect("revoked");
    assert_eq!(rule(without.authorise(filed, grant)), Rule::ApprovalRequired);

    // The policy in force decides: one that asks for more, and one that names others.
    let mut stricter = world.clone();
    stricter.say("boss", Policy { revision: 2, quorum: 3, ..policy() }).expect("three of three");
    assert_eq!(rule(stricter.authorise(filed, grant)), Rule::ApprovalRequired);
    let mut others = world.clone();
    others.say("boss", Policy { revision: 2, approvers: names(&["bob", "cat"]), ..policy() }).expect("others");
    assert_eq!(rule(others.authorise(filed, grant)), Rule::ApprovalRequired);
}

#[test]
fn the_quorum_may_ask_for_units() {
    let mut world = World::company();
    let filed = world.approved(2);
    let grant = world.granted(filed, 2);
    let mut two_units = world.clone();
    two_units.say("boss", Policy { revision: 2, distinct_units: 2, ..policy() }).expect("two units");
    let at = two_units.log.len() as u64 - 1;
    assert_eq!(refusal(two_units.authorise(filed, grant)), (Rule::ApprovalRequired, at, 2, 1));
    two_units.approve("cat", filed).expect("of the branch");
    two_units.authorise(filed, grant).expect("two units");
    let mut branch = world;
    branch
        .say("boss", Policy { revision: 2, required_units: names(&["east"]), ..policy() })
        .expect("one of the branch");
    let at = branch.log.len() as u64 - 1;
    assert_eq!(refusal(branch.authorise(filed, grant)), (Rule::ApprovalRequired, at, 1, 0));
    branch.approve("cat", filed).expect("of the branch");
    branch.authorise(filed, grant).expect("one of the branch");
}

#[test]
fn who_uses_the_seal_does_not_approve_the_use() {
    let mut world = World::company();
    let filed = world.approved(2);
    world.approve("cat", filed).expect("a third approval");
    world.person("eve", "cat", 2, "east", &[Role::Approver, Role::Applicant]).expect("both roles");
    let parent = Grant { depth_left: 1, ..world.grant_on(filed, 2) };
    let above = world.say("olga", parent.clone()).expect("parent");
    let child = Grant { grantee: name("cat"), parent: Some(above), depth_left: 0, ..parent };
    let below = world.say("liwei", child).expect("cat stands in");
    let ask = |world: &World| world.authorise_for(filed, below, "cat", document("contract"));
    assert_eq!(ask(&world).expect("ann and bob").usage().approvals.len(), 2);
    world.key_revoke("founder", world.rows["bob"]).expect("bob's approval is gone");
    let (rule, _, limit, actual) = refusal(ask(&world));
    assert_eq!((rule, limit, actual), (Rule::ApprovalRequired, 2, 1), "cat's own does not count");
    world.authorise(filed, above).expect("when the applicant uses it himself, it does");
}

#[test]
fn only_the_grantee_uses_a_grant() {
    let mut world = World::company();
    let filed = world.approved(2);
    let grant = world.granted(filed, 2);
    for person in ["mary", "olga", "ann", "boss"] {
        assert_eq!(
            rule(world.authorise_for(filed, grant, person, document("contract"))),
            Rule::NotPermitted,
            "{person}"
        );
    }
    assert_eq!(rule(world.authorise_for(filed, grant, "nobody", document("contract"))), Rule::UnknownReference);
    // Somebody else's application does not fit this grant.
    let other = world.say("mary", application(1)).expect("mary's");
    world.approve("ann", other).expect("ann");
    world.approve("bob", other).expect("bob");
    assert_eq!(rule(world.authorise(other, grant)), Rule::NotPermitted);
    assert_eq!(rule(world.authorise(StatementId([0; 32]), grant)), Rule::UnknownReference);
    assert_eq!(rule(world.authorise(filed, StatementId([0; 32]))), Rule::UnknownReference);
    // A grant on one application does not serve another of the same applicant.
    let second = world.say("liwei", Application { purpose: [9; 32], ..application(1) }).expect("second");
    world.approve("ann", second).expect("ann");
    world.approve("bob", second).expect("bob");
    assert_eq!(rule(world.authorise(second, grant)), Rule::NotPermitted);
    // Who lost the role, or left, uses nothing.
    let mut demoted = world.clone();
    demoted.person("eve", "liwei", 2, "sales", &[]).expect("no role");
    assert_eq!(rule(demoted.authorise(filed, grant)), Rule::NotPermitted);
    world.say("eve", PersonLeft { person: name("liwei"), reason: name("left"), note: None }).expect("left");
    assert_eq!(rule(world.authorise(filed, grant)), Rule::NotPermitted);
}

#[test]
fn a_grant_falls_with_its_grantor() {
    let mut world = World::company();
    let filed = world.approved(2);
    let grant = world.granted(filed, 2);
    let mut left = world.clone();
    left.say("boss", PersonLeft { person: name("olga"), reason: name("left"), note: None }).expect("left");
    assert_eq!(rule(left.authorise(filed, grant)), Rule::NotPermitted);
    let mut moved = world.clone();
    moved.person("boss", "olga", 2, "east", &[Role::Authoriser]).expect("moved to a branch");
    assert_eq!(rule(moved.authorise(filed, grant)), Rule::NotPermitted);
    world.key_revoke("boss", world.rows["olga"]).expect("revoked");
    let at = world.log.len() as u64 - 1;
    let (rule, statement, ..) = refusal(world.authorise(filed, grant));
    assert_eq!((rule, statement), (Rule::KeyNotValid, at));
}

#[test]
fn a_standing_grant_keeps_its_limits_at_the_use() {
    let mut world = World::company();
    let standing = Grant { max_amounts: vec![amount("CNY", 1_000_000)], ..world.standing_grant() };
    let grant = world.say("olga", standing).expect("standing");
    let at = world.log.len() as u64 - 1;
    let mut ask = |asked: Application| {
        let filed = world.say("liwei", asked).expect("application");
        world.approve("ann", filed).expect("ann");
        world.approve("bob", filed).expect("bob");
        world.authorise(filed, grant)
    };
    ask(application(1)).expect("within the limits");
    let class = Application { document_class: name("letter"), ..application(1) };
    assert_eq!(refusal(ask(class)), (Rule::LimitExceeded, at, 1, 0));
    let dear = Application { amount: Some(amount("CNY", 1_000_001)), ..application(1) };
    assert_eq!(refusal(ask(dear)), (Rule::LimitExceeded, at, 1_000_000, 1_000_001));
    assert_eq!(rule(ask(Application { amount: None, ..application(1) })), Rule::LimitExceeded);
}

#[test]
fn the_policy_in_force_limits_the_use() {
    let mut world = World::company();
    let filed = world.approved(1);
    let grant = world.granted(filed, 1);
    let stricter: [Policy; 3] = [
        Policy { revision: 2, classes: names(&["letter"]), ..policy() },
        Policy { revision: 2, max_amounts: vec![amount("CNY", 1)], ..policy() },
        Policy { revision: 2, applicant_units: names(&["east"]), ..policy() },
    ];
    for (policy, allowed) in stricter.into_iter().zip([false, false, true]) {
        let mut world = world.clone();
        world.say("boss", policy).expect("policy");
        assert_eq!(world.authorise(filed, grant).is_ok(), allowed);
    }
}

#[test]
fn imprints_go_where_the_application_says() {
    let mut world = World::company();
    let place = |page| Position { page, x_um: 120_000, y_um: 30_000 };
    let positions = sorted(vec![place(3), place(1)]);
    let filed = world.say("liwei", Application { positions, ..application(2) }).expect("application");
    world.approve("ann", filed).expect("ann");
    world.approve("bob", filed).expect("bob");
    let grant = world.granted(filed, 2);
    let ask = |position| {
        let request =
            Request { application: filed, grant, user: &name("liwei"), document: document("contract"), position };
        world.state.authorise(&request, world.now, None)
    };
    ask(Some(place(1))).expect("one of the places");
    assert_eq!(rule(ask(Some(place(2)))), Rule::LimitExceeded);
    assert_eq!(rule(ask(None)), Rule::LimitExceeded);
}

#[test]
fn the_gate_does_not_go_back_in_time() {
    let mut world = World::company();
    let filed = world.approved(1);
    let grant = world.granted(filed, 1);
    world.now -= 1;
    assert_eq!(rule(world.authorise(filed, grant)), Rule::TimeReversed);
}

#[test]
fn of_two_tokens_for_the_last_use_one_is_taken() {
    let mut world = World::company();
    let filed = world.approved(1);
    let grant = world.granted(filed, 1);
    let (first, second) = (world.authorise(filed, grant).expect("one"), world.authorise(filed, grant).expect("two"));
    world.take(&first).expect("taken");
    assert_eq!(rule(world.take(&second)), Rule::Duplicate);
    // Not the same bytes: another checkpoint was seen.
    let seen = Some(sealcore::authority::Seen { size: 3, root: [1; 32] });
    let Content::SealUse(usage) = Statement::decode(second.body()).expect("body").content else { panic!("a use") };
    let statement = Statement { by: name("gate"), ledger: *world.state.ledger(), seen, content: usage.into() };
    let other = world.append_now(EntryType::Statement, 0, statement.encode().expect("encodes"));
    assert_eq!(rule(other), Rule::GrantExhausted);
}

#[test]
fn only_what_the_gate_would_allow_is_a_use() {
    let mut world = World::company();
    let filed = world.approved(3);
    let grant = world.granted(filed, 3);
    let usage = world.authorise(filed, grant).expect("token").usage().clone();
    let altered: [(&str, Rule, SealUse); 9] = [
        ("a number skipped", Rule::UseOutOfOrder, SealUse { number: 2, ..usage.clone() }),
        ("another limit", Rule::UseOutOfOrder, SealUse { of: 4, ..usage.clone() }),
        ("another version", Rule::SealNotActive, SealUse { seal_version: 2, ..usage.clone() }),
        ("another seal", Rule::SealNotActive, SealUse { seal: name("other"), ..usage.clone() }),
        ("another document", Rule::DocumentMismatch, SealUse { document: document("x"), ..usage.clone() }),
        ("another user", Rule::NotPermitted, SealUse { user: name("mary"), ..usage.clone() }),
        ("one approval", Rule::ApprovalRequired, SealUse { approvals: usage.approvals[..1].to_vec(), ..usage.clone() }),
        ("the same twice", Rule::ApprovalRequired, SealUse { approvals: vec![usage.approvals[0]; 2], ..usage.clone() }),
        (
            "an unknown one",
            Rule::ApprovalRequired,
            SealUse { approvals: vec![usage.approvals[0], StatementId([0; 32])], ..usage.clone() },
        ),
    ];
    for (what, expected, content) in altered {
        assert_eq!(rule(world.say("gate", content)), expected, "{what}");
    }
    for person in ["liwei", "olga", "founder"] {
        assert_eq!(rule(world.say(person, usage.clone())), Rule::NotPermitted, "{person}");
    }
    world.say("gate", usage.clone()).expect("what the gate would allow");
    assert_eq!(rule(world.say("gate", usage)), Rule::Duplicate);
}

#[test]
fn a_use_ends_once() {
    let mut world = World::company();
    let filed = world.approved(3);
    let grant = world.granted(filed, 3);
    let begin = |world: &mut World| {
        let token = world.authorise(filed, grant).expect("authorised");
        world.take(&token).expect("taken")
    };
    let delivered = |usage| UseDelivered { usage, document: document("sealed"), level: name("pades-b-b") };
    let failed = |usage| UseFailed { usage, reason: name("crash"), note: None };
    let (first, second) = (begin(&mut world), begin(&mut world));
    assert_eq!(world.state.open_uses().map(|usage| usage.id).collect::<Vec<_>>(), [first, second]);
    for person in ["liwei", "olga", "founder"] {
        assert_eq!(rule(world.say(person, delivered(first))), Rule::NotPermitted, "{person}");
    }
    assert_eq!(rule(world.say("gate", delivered(StatementId([0; 32])))), Rule::UnknownReference);
    world.say("gate", delivered(second)).expect("in any order");
    world.say("gate", failed(first)).expect("failed");
    assert_eq!(rule(world.say("gate", delivered(first))), Rule::InvalidTransition);
    assert_eq!(rule(world.say("gate", failed(second))), Rule::InvalidTransition);
    assert_eq!(world.state.open_uses().count(), 0);
    let end = |usage| world.state.use_record(&usage).expect("use").end.clone().expect("ended").1;
    assert_eq!(end(first), UseEnd::Failed(failed(first)));
    assert_eq!(end(second), UseEnd::Delivered(delivered(second)));
    assert_eq!(world.state.grant_record(&grant).expect("grant").used, 2, "a failed use stays counted");
}
