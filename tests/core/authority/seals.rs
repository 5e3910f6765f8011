//! Seals, policies, applications and approvals: for each rule what it allows and what it refuses.

use super::world::{DAY, World, amount, application, name, names, policy, refusal, rule, seal, step};
use sealcore::Rule;
use sealcore::authority::{
    Application, Approval, Life, MAX_APPROVALS, Policy, Refusal, Role, Seal, SealState, StatementId,
};

#[test]
fn seals_and_policies_are_the_headquarters_matter() {
    let mut world = World::company();
    let other = || Seal { id: name("contract-seal"), ..seal(1) };
    for person in ["eve", "ann", "olga", "liwei", "audrey", "founder"] {
        assert_eq!(rule(world.say(person, other())), Rule::NotPermitted, "{person}");
        assert_eq!(rule(world.say(person, Policy { id: name("other"), ..policy() })), Rule::NotPermitted, "{person}");
    }
    world.say("boss", other()).expect("the headquarters");
    assert_eq!(rule(world.say("boss", Seal { policy: name("none"), ..other() })), Rule::UnknownReference);
    assert_eq!(rule(world.say("boss", Seal { unit: name("none"), ..other() })), Rule::UnknownReference);
    let unknown = Policy { id: name("p"), approvers: names(&["ann", "bob", "nobody"]), ..policy() };
    assert_eq!(rule(world.say("boss", unknown)), Rule::UnknownReference);
    let unknown = Policy { id: name("p"), applicant_units: names(&["nowhere"]), ..policy() };
    assert_eq!(rule(world.say("boss", unknown)), Rule::UnknownReference);
}

#[test]
fn versions_and_revisions_count_up() {
    let mut world = World::company();
    assert_eq!(rule(world.say("boss", seal(1))), Rule::Duplicate);
    assert_eq!(rule(world.say("boss", seal(3))), Rule::InvalidTransition);
    assert_eq!(rule(world.say("boss", Seal { id: name("new"), ..seal(2) })), Rule::InvalidTransition);
    world.say("boss", seal(2)).expect("the next version");
    assert_eq!(world.state.seal_record(&name("company-seal")).expect("seal").current().state(), Life::Draft);
    assert_eq!(rule(world.say("boss", policy())), Rule::Duplicate);
    assert_eq!(rule(world.say("boss", Policy { revision: 3, ..policy() })), Rule::InvalidTransition);
    world.say("boss", Policy { revision: 2, ..policy() }).expect("the next revision");
}

#[test]
fn every_step_of_a_seals_life_is_in_the_table_or_refused() {
    use Life::{Active, Destroyed, Draft, Lost, Revoked, Suspended};
    let ways: [(Life, &[Life]); 6] = [
        (Draft, &[]),
        (Active, &[Active]),
        (Suspended, &[Active, Suspended]),
        (Revoked, &[Active, Revoked]),
        (Lost, &[Active, Lost]),
        (Destroyed, &[Active, Lost, Destroyed]),
    ];
    let allowed = [
        (Draft, Active),
        (Draft, Revoked),
        (Draft, Lost),
        (Active, Suspended),
        (Active, Revoked),
        (Active, Lost),
        (Suspended, Active),
        (Suspended, Revoked),
        (Suspended, Lost),
        (Lost, Revoked),
        (Lost, Destroyed),
        (Revoked, Destroyed),
    ];
    for (from, way) in ways {
        for &to in Life::ALL {
            let mut world = World::company();
            world.say("boss", seal(2)).expect("a draft");
            for (at, &state) in way.iter().enumerate() {
                world.say("boss", step(2, at as u32 + 1, state)).expect("on the way");
            }
            let taken = world.say("boss", step(2, way.len() as u32 + 1, to));
            if allowed.contains(&(from, to)) {
                taken.unwrap_or_else(|error| panic!("{from:?} -> {to:?}: {error}"));
            } else {
                assert_eq!(rule(taken), Rule::InvalidTransition, "{from:?} -> {to:?}");
            }
        }
    }
}

#[test]
fn a_brake_is_easier_to_pull_than_to_release() {
    let mut world = World::company();
    world.say("boss", Seal { id: name("east-seal"), unit: name("east"), ..seal(1) }).expect("a seal of the branch");
    let at = |number, state| SealState { seal: name("east-seal"), ..step(1, number, state) };
    assert_eq!(rule(world.say("eve", at(1, Life::Active))), Rule::NotPermitted);
    world.say("boss", at(1, Life::Active)).expect("active");
    assert_eq!(rule(world.say("liwei", at(2, Life::Suspended))), Rule::NotPermitted);
    world.say("eve", at(2, Life::Suspended)).expect("her unit's seal");
    assert_eq!(rule(world.say("eve", at(3, Life::Active))), Rule::NotPermitted);
    assert_eq!(rule(world.say("eve", at(3, Life::Revoked))), Rule::NotPermitted);
    world.say("eve", at(3, Life::Lost)).expect("lost");
    assert_eq!(rule(world.say("eve", step(1, 2, Life::Suspended))), Rule::NotPermitted, "not the seal of her unit");
    // Steps are counted, so that an old one cannot be played again, and name the version in force.
    assert_eq!(rule(world.say("boss", at(3, Life::Revoked))), Rule::InvalidTransition);
    assert_eq!(rule(world.say("boss", at(5, Life::Revoked))), Rule::InvalidTransition);
    assert_eq!(rule(world.say("boss", SealState { version: 2, ..at(4, Life::Revoked) })), Rule::InvalidTransition);
    assert_eq!(
        rule(world.say("boss", SealState { seal: name("none"), ..at(4, Life::Revoked) })),
        Rule::UnknownReference
    );
    world.say("boss", at(4, Life::Revoked)).expect("revoked");
}

#[test]
fn who_may_apply_for_which_seal() {
    let mut world = World::company();
    world.say("liwei", application(1)).expect("a branch applicant");
    assert_eq!(rule(world.say("liwei", application(1))), Rule::Duplicate);
    for person in ["ann", "olga", "boss", "audrey", "founder"] {
        assert_eq!(rule(world.say(person, application(2))), Rule::NotPermitted, "{person}");
    }
    assert_eq!(rule(world.say("liwei", Application { seal: name("none"), ..application(2) })), Rule::UnknownReference);
    let elsewhere = Application { on_behalf_of: Some(name("none")), ..application(2) };
    assert_eq!(rule(world.say("liwei", elsewhere)), Rule::UnknownReference);
    let (rule_, _, limit, actual) = refusal(world.say("liwei", Application { seal_version: 2, ..application(2) }));
    assert_eq!((rule_, limit, actual), (Rule::SealNotActive, 1, 2));
    world.say("boss", Policy { revision: 2, applicant_units: names(&["sales"]), ..policy() }).expect("only sales");
    assert_eq!(rule(world.say("cat", application(3))), Rule::NotPermitted);
    world.say("liwei", application(3)).expect("of sales");
    let other = Application { on_behalf_of: Some(name("east")), ..application(4) };
    assert_eq!(rule(world.say("liwei", other)), Rule::NotPermitted);
    world.say("boss", step(1, 2, Life::Suspended)).expect("suspended");
    assert_eq!(rule(world.say("liwei", application(5))), Rule::SealNotActive);
}

#[test]
fn the_limits_of_the_policy() {
    let mut world = World::company();
    let limits = Policy {
        revision: 2,
        classes: names(&["contract", "letter"]),
        max_amounts: vec![amount("CNY", 1_000_000), amount("EUR", 10)],
        ..policy()
    };
    world.say("boss", limits).expect("limits");
    let at = world.log.len() as u64 - 1;
    world.say("liwei", application(1)).expect("exactly the ceiling");
    let with = |value| Application { amount: value, ..application(2) };
    assert_eq!(
        refusal(world.say("liwei", with(Some(amount("CNY", 1_000_001))))),
        (Rule::LimitExceeded, at, 1_000_000, 1_000_001)
    );
    assert_eq!(rule(world.say("liwei", with(Some(amount("USD", 1))))), Rule::LimitExceeded);
    assert_eq!(rule(world.say("liwei", with(None))), Rule::LimitExceeded);
    world.say("liwei", with(Some(amount("EUR", 10)))).expect("another currency");
    let class = Application { document_class: name("loan"), ..application(3) };
    assert_eq!(rule(world.say("liwei", class)), Rule::LimitExceeded);
    world
        .say("liwei", Application { document_class: name("letter"), ..application(3) })
        .expect("a class of the policy");
}

#[test]
fn who_may_approve() {
    let mut world = World::company();
    let filed = world.say("liwei", application(2)).expect("application");
    for person in ["mary", "olga", "boss", "audrey", "founder"] {
        assert_eq!(rule(world.approve(person, filed)), Rule::NotPermitted, "{person}");
    }
    world.approve("ann", filed).expect("named");
    assert_eq!(rule(world.approve("ann", filed)), Rule::Duplicate);
    let body = Approval { application: StatementId([9; 32]), expires: world.now + DAY };
    assert_eq!(rule(world.say("bob", body)), Rule::UnknownReference);
    let past = Approval { application: filed, expires: world.now };
    assert_eq!(rule(world.say("bob", past)), Rule::LimitExceeded);
    // By role: every approver of a named unit, and nobody of another.
    world.hire("boss", "dora", "hq", &[Role::Approver]);
    world.hire("eve", "finn", "sales", &[Role::Approver]);
    assert_eq!(rule(world.approve("dora", filed)), Rule::NotPermitted);
    world.say("boss", Policy { revision: 2, approver_units: names(&["hq"]), ..policy() }).expect("by role");
    world.approve("dora", filed).expect("of the named unit");
    assert_eq!(rule(world.approve("finn", filed)), Rule::NotPermitted);
}

#[test]
fn the_applicant_does_not_approve_his_own_request_not_with_a_second_key_either() {
    let mut world = World::company();
    let filed = world.say("cat", application(1)).expect("cat may apply, and is a named approver");
    let at = world.log.len() as u64 - 1;
    assert_eq!(refusal(world.approve("cat", filed)), (Rule::ApplicantExcluded, at, 0, 1));
    world.give_key("cat", "cat").expect("a second key");
    assert_eq!(refusal(world.approve("cat", filed)), (Rule::ApplicantExcluded, at, 0, 1));
    let refuse = Refusal { application: filed, reason: name("no"), note: None };
    assert_eq!(rule(world.say("cat", refuse)), Rule::ApplicantExcluded);
    // A person who approves with two keys is one approver.
    world.approve("ann", filed).expect("first");
    world.give_key("ann", "ann").expect("a second key");
    assert_eq!(rule(world.approve("ann", filed)), Rule::Duplicate);
}

#[test]
fn one_refusal_ends_an_application() {
    let mut world = World::company();
    let filed = world.approved(1);
    let grant = world.granted(filed, 1);
    let refuse = || Refusal { application: filed, reason: name("wrong-price"), note: Some([6; 32]) };
    assert_eq!(rule(world.say("mary", refuse())), Rule::NotPermitted);
    world.authorise(filed, grant).expect("open");
    world.say("cat", refuse()).expect("an approver");
    let at = world.log.len() as u64 - 1;
    assert_eq!(refusal(world.authorise(filed, grant)), (Rule::ApplicationRefused, at, 0, 1));
    assert_eq!(rule(world.say("bob", refuse())), Rule::ApplicationRefused);
    assert_eq!(rule(world.approve("cat", filed)), Rule::ApplicationRefused);
    assert_eq!(rule(world.say("olga", world.grant_on(filed, 1))), Rule::ApplicationRefused);
}

#[test]
fn nothing_is_approved_after_the_last_use() {
    let mut world = World::company();
    let filed = world.approved(1);
    let grant = world.granted(filed, 1);
    world.use_seal(filed, grant);
    assert_eq!(rule(world.approve("cat", filed)), Rule::InvalidTransition);
    let refuse = Refusal { application: filed, reason: name("late"), note: None };
    assert_eq!(rule(world.say("cat", refuse)), Rule::InvalidTransition);
}

#[test]
fn an_approval_that_no_longer_counts_may_be_given_anew() {
    let mut world = World::company();
    let filed = world.approved(1);
    let grant = world.granted(filed, 1);
    world.now += 30 * DAY;
    let again = world.approve("ann", filed).expect("the first has expired");
    world.key_revoke("bob", world.rows["bob"]).expect("revoked");
    world.give_key("boss", "bob").expect("a new key");
    world.approve("bob", filed).expect("the key of the first is revoked");
    let record = world.state.application_record(&filed).expect("application");
    assert_eq!(record.approvals.iter().map(|approval| approval.id).next(), Some(again));
    assert_eq!(record.approvals.len(), 2);
    assert_eq!(rule(world.authorise(filed, grant)), Rule::GrantExpired);
}

#[test]
fn approvals_are_for_the_version_that_was_applied_for() {
    let mut world = World::company();
    let filed = world.say("liwei", application(1)).expect("application");
    world.say("boss", seal(2)).expect("a new version");
    world.say("boss", step(2, 1, Life::Active)).expect("active");
    assert_eq!(rule(world.approve("ann", filed)), Rule::SealNotActive);
}

#[test]
fn an_application_takes_a_bounded_number_of_approvals() {
    let mut world = World::company();
    world.say("boss", Policy { revision: 2, approver_units: names(&["hq"]), ..policy() }).expect("by role");
    let filed = world.say("liwei", application(1)).expect("application");
    for number in 0..MAX_APPROVALS {
        let approver = format!("approver-{number}");
        world.hire("boss", &approver, "hq", &[Role::Approver]);
        world.approve(&approver, filed).expect("within the limit");
    }
    let (rule, _, limit, actual) = refusal(world.approve("ann", filed));
    assert_eq!((rule, limit, actual), (Rule::LimitExceeded, MAX_APPROVALS as u64, MAX_APPROVALS as u64 + 1));
}
