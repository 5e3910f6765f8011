//! Units, persons and keys: for each rule what it allows and what it refuses.

use super::world::{DAY, SECOND, World, name, refusal, rule, test_key};
use sealcore::authority::{
    Approval, MAX_KEYS, MAX_UNIT_DEPTH, Name, Person, PersonKey, PersonLeft, Role, Roles, Statement, Unit,
};
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{EntryType, KeyChange};
use sealcore::{Error, Rule};

fn unit(id: &str, parent: Option<&str>) -> Unit {
    Unit { id: name(id), parent: parent.map(name), name: [1; 32], region: None }
}

fn left(person: &str) -> PersonLeft {
    PersonLeft { person: name(person), reason: name("resigned"), note: None }
}

#[test]
fn only_the_founder_makes_the_headquarters_and_only_once() {
    let mut world = World::company();
    assert_eq!(refusal(world.say("founder", unit("second", None))), (Rule::Duplicate, 1, 1, 2));
    assert_eq!(rule(world.say("boss", unit("second", None))), Rule::NotPermitted);
}

#[test]
fn a_manager_makes_units_below_his_own_and_nowhere_else() {
    let mut world = World::company();
    world.say("boss", unit("west", Some("hq"))).expect("below the headquarters");
    world.say("eve", unit("support", Some("east"))).expect("below the branch");
    world.say("boss", unit("deep", Some("sales"))).expect("two levels below");
    assert_eq!(rule(world.say("eve", unit("north", Some("hq")))), Rule::NotPermitted);
    assert_eq!(rule(world.say("eve", unit("stores", Some("west")))), Rule::NotPermitted);
    assert_eq!(rule(world.say("founder", unit("north", Some("hq")))), Rule::NotPermitted);
    assert_eq!(rule(world.say("ann", unit("north", Some("hq")))), Rule::NotPermitted);
    assert_eq!(rule(world.say("audrey", unit("north", Some("hq")))), Rule::NotPermitted);
    assert_eq!(rule(world.say("boss", unit("east", Some("hq")))), Rule::Duplicate);
    assert_eq!(rule(world.say("boss", unit("north", Some("nowhere")))), Rule::UnknownReference);
}

#[test]
fn the_tree_of_units_has_a_bottom() {
    let mut world = World::company();
    let mut above = "hq".to_owned();
    for depth in 1..=MAX_UNIT_DEPTH {
        let id = format!("level-{depth}");
        world.say("boss", unit(&id, Some(&above))).expect("within the limit");
        above = id;
    }
    let (rule, _, limit, actual) = refusal(world.say("boss", unit("too-deep", Some(&above))));
    assert_eq!((rule, limit, actual), (Rule::LimitExceeded, u64::from(MAX_UNIT_DEPTH), u64::from(MAX_UNIT_DEPTH) + 1));
}

#[test]
fn persons_are_made_from_above() {
    let mut world = World::company();
    world.person("eve", "paul", 1, "sales", &[Role::Applicant]).expect("below her unit");
    world.person("boss", "wang", 1, "sales", &[Role::Manager]).expect("a manager, from above");
    assert_eq!(rule(world.person("eve", "zoe", 1, "east", &[Role::Manager])), Rule::NotPermitted);
    assert_eq!(rule(world.person("boss", "zoe", 1, "hq", &[Role::Manager])), Rule::NotPermitted);
    world.person("founder", "zoe", 1, "hq", &[Role::Manager]).expect("the founder, at the top");
    assert_eq!(rule(world.person("founder", "tom", 1, "east", &[Role::Manager])), Rule::NotPermitted);
    assert_eq!(rule(world.person("eve", "tom", 1, "hq", &[Role::Applicant])), Rule::NotPermitted);
    assert_eq!(rule(world.person("ann", "tom", 1, "hq", &[Role::Applicant])), Rule::NotPermitted);
    assert_eq!(rule(world.person("boss", "tom", 1, "nowhere", &[])), Rule::UnknownReference);
    assert_eq!(rule(world.person("boss", "tom", 2, "hq", &[])), Rule::InvalidTransition);
}

#[test]
fn a_person_changes_by_counted_revisions() {
    let mut world = World::company();
    assert_eq!(rule(world.person("eve", "mary", 1, "east", &[Role::Approver])), Rule::Duplicate);
    assert_eq!(rule(world.person("eve", "mary", 3, "east", &[Role::Approver])), Rule::InvalidTransition);
    world.person("eve", "mary", 2, "east", &[Role::Approver]).expect("next revision");
    let record = world.state.person_record(&name("mary")).expect("mary");
    assert!(record.holds(Role::Approver) && !record.holds(Role::Applicant));
    // An old revision cannot be played again, and nobody moves a person into or out of a unit that is not his.
    assert_eq!(rule(world.person("eve", "mary", 2, "sales", &[Role::Applicant])), Rule::InvalidTransition);
    assert_eq!(rule(world.person("eve", "mary", 3, "hq", &[Role::Approver])), Rule::NotPermitted);
    assert_eq!(rule(world.person("eve", "ann", 2, "east", &[Role::Approver])), Rule::NotPermitted);
    // A manager is changed from above only, also by himself.
    assert_eq!(rule(world.person("eve", "eve", 2, "east", &[Role::Applicant])), Rule::NotPermitted);
    world.person("boss", "eve", 2, "east", &[Role::Applicant]).expect("from above");
}

#[test]
fn nobody_holds_roles_of_two_powers() {
    use Role::{Applicant, Approver, Auditor, Authoriser, Manager};
    let world = World::company();
    let decoded = |roles: &[Role]| {
        let content = Person { id: name("x"), revision: 1, unit: name("hq"), name: [0; 32], roles: Roles::of(roles) };
        Statement { by: name("boss"), ledger: *world.state.ledger(), seen: None, content: content.into() }.encode()
    };
    for roles in [vec![], vec![Manager], vec![Auditor], vec![Applicant, Approver, Authoriser]] {
        decoded(&roles).expect("one power");
    }
    for used in [Applicant, Approver, Authoriser] {
        for other in [Manager, Auditor] {
            assert!(matches!(decoded(&[used, other]), Err(Error::InvalidArgument { field: "person.roles", .. })));
        }
    }
    assert!(decoded(&[Manager, Auditor]).is_err());
}

#[test]
fn who_has_left_says_nothing_more() {
    let mut world = World::company();
    let application = world.approved(1);
    assert_eq!(rule(world.say("mary", left("liwei"))), Rule::NotPermitted);
    world.say("boss", left("cat")).expect("from above");
    let gone = world.log.len() as u64 - 1;
    let (rule_, statement, ..) = refusal(world.approve("cat", application));
    assert_eq!((rule_, statement), (Rule::NotPermitted, gone));
    assert_eq!(rule(world.say("boss", left("cat"))), Rule::InvalidTransition);
    assert_eq!(rule(world.person("eve", "cat", 2, "east", &[Role::Approver])), Rule::InvalidTransition);
    assert_eq!(rule(world.person("eve", "cat", 1, "east", &[Role::Approver])), Rule::InvalidTransition);
    assert_eq!(rule(world.give_key("eve", "cat")), Rule::InvalidTransition);
    assert_eq!(rule(world.say("boss", left("nobody"))), Rule::UnknownReference);
}

#[test]
fn reserved_names_are_nobody() {
    for reserved in [Name::GATE, Name::FOUNDER] {
        let content =
            Person { id: name(reserved), revision: 1, unit: name("hq"), name: [0; 32], roles: Roles::of(&[]) };
        let statement = Statement { by: name("boss"), ledger: [0; 32], seen: None, content: content.into() };
        assert!(matches!(statement.encode(), Err(Error::InvalidArgument { field: "person.id", .. })));
    }
}

#[test]
fn the_first_key_comes_from_above_and_the_next_from_oneself() {
    let mut world = World::company();
    let first = world.rows["liwei"];
    // The manager may not act beside the person.
    let given = world.state.keys()[first as usize].given.expect("given").index;
    assert_eq!(refusal(world.give_key("eve", "liwei")), (Rule::NotPermitted, given, 0, 1));
    assert_eq!(rule(world.give_key("mary", "liwei")), Rule::NotPermitted);
    let second = world.give_key("liwei", "liwei").expect("rotation");
    world.key_revoke("liwei", first).expect("the old one ends");
    assert_eq!(rule(world.give_key("eve", "liwei")), Rule::NotPermitted);
    world.key_revoke("eve", second).expect("the manager blocks the key");
    assert_eq!(rule(world.say("liwei", super::world::application(1))), Rule::KeyNotValid);
    world.give_key("eve", "liwei").expect("now the manager may help");
    world.say("liwei", super::world::application(1)).expect("and the person goes on");
}

#[test]
fn a_key_stands_in_the_table_once_and_belongs_to_one() {
    let mut world = World::company();
    let key = world.key_add("boss").expect("a row");
    let body = KeyChange::Add { key, label: None }.encode(world.state.ledger()).expect("body");
    let added = world.log.len() as u64 - 1;
    assert_eq!(refusal(world.append(EntryType::KeyAdd, world.rows["eve"], body)), (Rule::Duplicate, added, 1, 2));
    let give = |person: &str, key: [u8; 65]| PersonKey { person: name(person), key, valid_from: None, valid_to: None };
    // Nobody can sign with a row that belongs to nobody.
    let row = world.state.keys().len() as u32 - 1;
    let body = world.body("ann", super::world::policy());
    assert_eq!(rule(world.append(EntryType::Statement, row, body)), Rule::KeyNotValid);
    world.say("ann", give("ann", key.to_sec1())).expect("hers now");
    assert_eq!(rule(world.say("bob", give("bob", key.to_sec1()))), Rule::Duplicate);
    assert_eq!(rule(world.say("bob", give("bob", test_key(9_999).to_sec1()))), Rule::UnknownReference);
    assert_eq!(rule(world.say("bob", give("bob", test_key(1).to_sec1()))), Rule::Duplicate);
    let revoked = world.key_add("boss").expect("a row");
    world.key_revoke("boss", world.state.keys().len() as u32 - 1).expect("by who added it");
    assert_eq!(rule(world.say("bob", give("bob", revoked.to_sec1()))), Rule::KeyNotValid);
    // The gate adds no keys.
    let body = KeyChange::Add { key: test_key(77), label: None }.encode(world.state.ledger()).expect("body");
    assert_eq!(rule(world.append(EntryType::KeyAdd, 0, body)), Rule::NotPermitted);
}

#[test]
fn a_key_signs_for_its_holder_within_its_window() {
    let mut world = World::company();
    let key = world.key_add("ann").expect("a row").to_sec1();
    let row = world.state.keys().len() as u32 - 1;
    let application = world.say("liwei", super::world::application(1)).expect("application");
    let (from, to) = (world.now + DAY, world.now + 2 * DAY);
    let expired = PersonKey { person: name("ann"), key, valid_from: None, valid_to: Some(world.now) };
    assert_eq!(rule(world.say("ann", expired)), Rule::LimitExceeded);
    world.say("ann", PersonKey { person: name("ann"), key, valid_from: Some(from), valid_to: Some(to) }).expect("key");
    let body = |world: &World| world.body("ann", Approval { application, expires: to + DAY });
    for (now, allowed) in [(from - 1, false), (from, true), (to - 1, true), (to, false)] {
        let mut world = world.clone();
        world.now = now;
        let taken = world.append_now(EntryType::Statement, row, body(&world));
        assert_eq!(taken.is_ok(), allowed, "{taken:?}");
        if !allowed {
            assert_eq!(rule(taken), Rule::KeyNotValid);
        }
    }
    // Another's key under one's name, and the founder's row, and no row at all.
    for row in [world.rows["bob"], 0, 1] {
        assert_eq!(rule(world.append(EntryType::Statement, row, body(&world))), Rule::KeyNotValid);
    }
    assert_eq!(rule(world.append(EntryType::Statement, 10_000, body(&world))), Rule::KeyNotValid);
}

/// A person puts a new key in the place of his own; nobody does it for him, and the gate's stays.
#[test]
fn a_key_hands_over_to_the_next() {
    let mut world = World::company();
    let rotate = |world: &World, key_idx: u32, key| {
        KeyChange::Rotate { key_idx, key, label: None }.encode(world.state.ledger()).expect("body")
    };
    let (old, new) = (world.rows["liwei"], test_key(4_321));
    let body = rotate(&world, old, new);
    for other in [world.rows["eve"], world.rows["boss"]] {
        assert_eq!(rule(world.append(EntryType::KeyRotate, other, body.clone())), Rule::NotPermitted);
    }
    let gate = rotate(&world, 0, new);
    assert_eq!(rule(world.append(EntryType::KeyRotate, 0, gate)), Rule::NotPermitted);
    let taken = rotate(&world, old, test_key(1));
    assert_eq!(rule(world.append(EntryType::KeyRotate, old, taken)), Rule::Duplicate);
    world.append(EntryType::KeyRotate, old, body).expect("his own");
    let row = world.state.keys().len() as u32 - 1;
    assert_eq!(world.state.keys()[row as usize].key, new);
    assert_eq!(rule(world.say("liwei", super::world::application(1))), Rule::KeyNotValid);
    world.rows.insert("liwei".into(), row);
    world.say("liwei", super::world::application(1)).expect("with the new key");
    // The ledger's own marks change nothing, and come from the office only.
    for kind in [EntryType::Segment, EntryType::Redact, EntryType::Anchor] {
        world.append(kind, 0, b"a mark".to_vec()).expect("the gate's");
        assert_eq!(rule(world.append(kind, world.rows["eve"], b"a mark".to_vec())), Rule::NotPermitted);
    }
}

#[test]
fn who_may_end_a_key() {
    let mut world = World::company();
    let row = world.rows["liwei"];
    for stranger in ["mary", "ann", "audrey"] {
        assert_eq!(rule(world.clone().key_revoke(stranger, row)), Rule::NotPermitted);
    }
    for entitled in ["liwei", "eve", "boss", "founder"] {
        world.clone().key_revoke(entitled, row).expect(entitled);
    }
    world.key_revoke("eve", row).expect("revoked");
    assert_eq!(rule(world.key_revoke("eve", row)), Rule::InvalidTransition);
    assert_eq!(rule(world.key_revoke("founder", 0)), Rule::NotPermitted);
    assert_eq!(rule(world.key_revoke("boss", 1)), Rule::NotPermitted);
    assert_eq!(rule(world.key_revoke("boss", 10_000)), Rule::UnknownReference);
    assert_eq!(rule(world.key_revoke("eve", world.rows["eve"] - 2)), Rule::NotPermitted);
    world.key_revoke("founder", 1).expect("the founder ends his own key");
    assert_eq!(rule(world.person("founder", "zoe", 1, "hq", &[])), Rule::KeyNotValid);
    // A row without holder: who added it, or the founder; nobody else.
    world.key_add("ann").expect("a row");
    let unassigned = world.state.keys().len() as u32 - 1;
    assert_eq!(rule(world.key_revoke("bob", unassigned)), Rule::NotPermitted);
    world.key_revoke("ann", unassigned).expect("who added it");
}

#[test]
fn nobody_collects_keys_without_end() {
    let mut world = World::company();
    for _ in 1..MAX_KEYS {
        world.give_key("ann", "ann").expect("within the limit");
    }
    let (rule, _, limit, _) = refusal(world.give_key("ann", "ann"));
    assert_eq!((rule, limit), (Rule::LimitExceeded, MAX_KEYS as u64));
}

#[test]
fn entries_come_in_order_and_time_does_not_go_back() {
    let mut world = World::empty(HashAlgorithm::Sm3);
    world.unit("founder", "hq", None);
    let body = world.body("founder", unit("second", None));
    let event =
        |index, time| sealcore::authority::Event { kind: EntryType::Statement, index, time, key_idx: 1, body: &body };
    for index in [0, 1, 3, u64::MAX] {
        let refused = world.state.check(&event(index, world.now));
        assert!(matches!(refused, Err(Error::InvalidArgument { field: "entry.index", .. })), "{refused:?}");
    }
    let last = world.now;
    assert_eq!(refusal(world.state.check(&event(2, last - 1))), (Rule::TimeReversed, 1, last, last - 1));
    assert_eq!(rule(world.state.check(&event(2, last))), Rule::Duplicate);
    let late = world.state.check(&event(2, 253_402_300_800_000_000));
    assert!(matches!(late, Err(Error::InvalidArgument { field: "entry.time", .. })));
    let genesis = sealcore::authority::Event { kind: EntryType::Genesis, ..event(2, last + SECOND) };
    assert!(matches!(world.state.check(&genesis), Err(Error::InvalidArgument { field: "entry.type", .. })));
    // The type of the entry and the body must agree.
    let change = KeyChange::Add { key: test_key(50), label: None }.encode(world.state.ledger()).expect("body");
    let wrong = sealcore::authority::Event { kind: EntryType::KeyRevoke, body: &change, ..event(2, last) };
    assert!(matches!(world.state.check(&wrong), Err(Error::InvalidArgument { field: "entry.type", .. })));
}

#[test]
fn a_statement_for_another_ledger_is_refused() {
    let mut world = World::company();
    let statement =
        Statement { by: name("boss"), ledger: [9; 32], seen: None, content: unit("west", Some("hq")).into() };
    let refused = world.append(EntryType::Statement, world.rows["boss"], statement.encode().expect("encodes"));
    assert!(matches!(refused, Err(Error::InvalidArgument { field: "statement.ledger", .. })), "{refused:?}");
}

#[test]
fn nobody_has_seen_the_future() {
    let mut world = World::company();
    let size = world.log.len() as u64;
    let seen = |size| Some(sealcore::authority::Seen { size, root: [5; 32] });
    let statement = |size| Statement {
        by: name("boss"),
        ledger: *world.state.ledger(),
        seen: seen(size),
        content: unit("west", Some("hq")).into(),
    };
    let (ahead, now) = (statement(size + 1).encode().expect("encodes"), statement(size).encode().expect("encodes"));
    assert_eq!(
        refusal(world.append(EntryType::Statement, world.rows["boss"], ahead)),
        (Rule::LimitExceeded, u64::MAX, size, size + 1)
    );
    world.append(EntryType::Statement, world.rows["boss"], now).expect("the checkpoint before this entry");
}
