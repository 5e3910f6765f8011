//! The audit: nothing to find in what the gate let through, everything to find in what it would have refused.

use super::oracle::Oracle;
use super::world::{DAY, Entry, SECOND, World, application, document, event, name, policy, rule, step};
use sealcore::authority::{
    Application, Audit, AuditReport, Event, Finding, Grant, GrantRevoke, Holder, Life, MAX_FINDINGS, PersonLeft,
    Policy, Refusal, Role, SealUse, State, StatementId, UseDelivered, UseFailed, Violation,
};
use sealcore::ledger::{EntryType, KeyChange};
use sealcore::{Error, Rule};

fn replay(mut audit: Audit, log: &[Entry]) -> AuditReport {
    for (index, entry) in (1..).zip(&log[1..]) {
        audit.feed(&event(index, entry)).expect("temporary files");
    }
    audit.finish().expect("temporary files")
}

/// Audits with every record in memory; with hardly any, and with some, the findings are the same.
pub(super) fn audit(log: &[Entry]) -> AuditReport {
    let report = replay(Audit::new(&log[0].body).expect("a genesis"), log);
    for memory in [0, 20_000] {
        let bounded = replay(Audit::bounded(&log[0].body, memory).expect("a genesis"), log);
        assert_eq!((bounded.entries, bounded.total), (report.entries, report.total));
        assert!(bounded.findings == report.findings, "{:?}", bounded.findings);
        assert!(bounded.state.is_none());
    }
    report
}

pub(super) fn state(report: &AuditReport) -> &State {
    report.state.as_ref().expect("an audit in memory")
}

fn rules(report: &AuditReport) -> Vec<(u64, Option<Rule>)> {
    let rule = |finding: &Finding| match finding.violation {
        Violation::Refused(Error::Refused { rule, .. }) => Some(rule),
        _ => None,
    };
    report.findings.iter().map(|finding| (finding.index, rule(finding))).collect()
}

/// A history with every kind of statement, as the gate lets it through.
fn history() -> World {
    let mut world = World::company();
    let first = world.approved(3);
    let root = Grant { depth_left: 1, ..world.grant_on(first, 2) };
    let above = world.say("olga", root.clone()).expect("root");
    let child = Grant { grantee: name("mary"), parent: Some(above), depth_left: 0, max_uses: 1, ..root };
    let below = world.say("liwei", child).expect("child");
    world.use_seal(first, above);
    let token = world.authorise_for(first, below, "mary", document("contract")).expect("authorised");
    let usage = world.take(&token).expect("taken");
    world.say("gate", UseFailed { usage, reason: name("crash"), note: None }).expect("failed");
    let second = world.say("liwei", Application { purpose: [8; 32], ..application(1) }).expect("application");
    world.say("cat", Refusal { application: second, reason: name("no"), note: None }).expect("refused");
    world.say("boss", step(1, 2, Life::Suspended)).expect("suspended");
    world.say("boss", step(1, 3, Life::Active)).expect("active");
    world.say("boss", Policy { revision: 2, ..policy() }).expect("policy");
    world.give_key("ann", "ann").expect("a second key");
    let third = world.say("liwei", Application { purpose: [9; 32], ..application(2) }).expect("application");
    world.approve("ann", third).expect("ann");
    world.approve("cat", third).expect("cat");
    let standing = world.say("olga", world.standing_grant()).expect("standing");
    world.use_seal(third, standing);
    world.use_seal(third, standing);
    world.say("olga", GrantRevoke { grant: above, reason: name("done"), note: None }).expect("revoked");
    world.key_revoke("eve", world.rows["mary"]).expect("revoked");
    world.person("eve", "mary", 2, "east", &[Role::Approver]).expect("another role");
    world.say("eve", PersonLeft { person: name("mary"), reason: name("left"), note: None }).expect("left");
    world
}

#[test]
fn what_the_gate_let_through_has_no_findings() {
    let world = history();
    let report = audit(&world.log);
    assert_eq!(report.findings, []);
    assert_eq!((report.total, report.entries), (0, world.log.len() as u64));
    assert_eq!(state(&report).digest().expect("digest"), world.state.digest().expect("digest"));
    assert!(Oracle::new(&world.log, world.state.ledger()).all_uses_are_sound());
    let usage = &state(&report).uses()[1];
    assert_eq!(
        state(&report).holder_name(Holder::Person(state(&report).applications()[usage.application].applicant)),
        "liwei"
    );
    let approvers: Vec<&str> = usage.approvers.iter().map(|&at| state(&report).persons()[at].id.as_str()).collect();
    assert_eq!(approvers, ["ann", "bob"]);
    let chain = state(&report).grant_chain(&usage.usage.grant).expect("chain");
    assert_eq!(chain.iter().map(|link| link.grant.grantee.as_str()).collect::<Vec<_>>(), ["liwei", "mary"]);
}

#[test]
fn a_use_without_an_end_is_found() {
    let mut world = World::company();
    let filed = world.approved(2);
    let grant = world.granted(filed, 2);
    world.use_seal(filed, grant);
    let token = world.authorise(filed, grant).expect("authorised");
    world.take(&token).expect("taken");
    let at = world.log.len() as u64 - 1;
    assert_eq!(audit(&world.log).findings, [Finding { index: at, violation: Violation::UseUnfinished, cause: None }]);
}

/// Writes an entry into the log although the gate would refuse it.
fn force(world: &mut World, by: &str, content: impl Into<sealcore::authority::Content>) -> u64 {
    world.now += SECOND;
    let body = world.body(by, content);
    world.log.push(Entry { kind: EntryType::Statement, time: world.now, key_idx: world.rows[by], body });
    world.log.len() as u64 - 1
}

#[test]
fn what_the_gate_would_have_refused_is_found_and_the_audit_goes_on() {
    let mut world = World::company();
    let filed = world.approved(2);
    let grant = world.granted(filed, 2);
    let usage = world.authorise(filed, grant).expect("token").usage().clone();
    world.use_seal(filed, grant);
    // The operator goes round the gate: another document, then its delivery.
    let forged = SealUse { number: 2, document: document("other"), ..usage.clone() };
    let forged_at = force(&mut world, "gate", forged.clone());
    let body = world.body("gate", forged);
    let id = StatementId(sealcore::ledger::statement_id(world.state.hash(), &body));
    let end_at =
        force(&mut world, "gate", UseDelivered { usage: id, document: document("x"), level: name("pades-b-b") });
    // A use after the window.
    world.now += 10 * DAY;
    let late_at = force(&mut world, "gate", SealUse { number: 2, ..usage });
    // And something harmless after it all.
    let unit = sealcore::authority::Unit { id: name("west"), parent: Some(name("hq")), name: [1; 32], region: None };
    force(&mut world, "boss", unit);
    let report = audit(&world.log);
    assert_eq!(
        rules(&report),
        [
            (forged_at, Some(Rule::DocumentMismatch)),
            (end_at, Some(Rule::UnknownReference)),
            (late_at, Some(Rule::GrantExpired))
        ]
    );
    assert_eq!(report.findings[1].cause, Some(forged_at), "the delivery follows from the use");
    assert_eq!((report.findings[0].cause, report.findings[2].cause), (None, None));
    assert!(state(&report).unit_record(&name("west")).is_ok(), "the audit went on");
    assert_eq!(state(&report).uses().len(), 1);
}

#[test]
fn a_skipped_number_is_the_cause_of_the_following() {
    let mut world = World::company();
    let filed = world.approved(3);
    let grant = world.granted(filed, 3);
    let first = world.authorise(filed, grant).expect("token").usage().clone();
    let skipped_at = force(&mut world, "gate", SealUse { number: 2, ..first.clone() });
    let third_at = force(&mut world, "gate", SealUse { number: 3, ..first });
    let report = audit(&world.log);
    assert_eq!(rules(&report), [(skipped_at, Some(Rule::UseOutOfOrder)), (third_at, Some(Rule::UseOutOfOrder))]);
    assert_eq!((report.findings[0].cause, report.findings[1].cause), (None, Some(skipped_at)));
}

#[test]
fn a_refused_key_does_not_shift_the_rows_of_the_others() {
    let mut world = World::company();
    let key = super::world::test_key(600);
    let body = KeyChange::Add { key, label: None }.encode(world.state.ledger()).expect("body");
    // The ledger takes a key from the gate, authority does not; the ledger's table has grown all the same.
    world.log.push(Entry { kind: EntryType::KeyAdd, time: world.now, key_idx: 0, body });
    let bad = world.log.len() as u64 - 1;
    let rows = state(&audit(&world.log)).keys().len() as u32;
    let good = super::world::test_key(601);
    let body = KeyChange::Add { key: good, label: None }.encode(world.state.ledger()).expect("body");
    world.log.push(Entry { kind: EntryType::KeyAdd, time: world.now, key_idx: world.rows["boss"], body });
    world.rows.insert("new".to_owned(), rows);
    let person = sealcore::authority::Person {
        id: name("new"),
        revision: 1,
        unit: name("hq"),
        name: [0; 32],
        roles: sealcore::authority::Roles::of(&[Role::Applicant]),
    };
    force(&mut world, "boss", person);
    let give = |key: sealcore::sign::VerifyingKey| sealcore::authority::PersonKey {
        person: name("new"),
        key: key.to_sec1(),
        valid_from: None,
        valid_to: None,
    };
    let given_bad = force(&mut world, "boss", give(key));
    force(&mut world, "boss", give(good));
    force(&mut world, "new", application(1));
    let report = audit(&world.log);
    assert_eq!(rules(&report), [(bad, Some(Rule::NotPermitted)), (given_bad, Some(Rule::KeyNotValid))]);
}

#[test]
fn entries_out_of_turn_are_found() {
    let world = history();
    let mut audit = Audit::new(&world.log[0].body).expect("a genesis");
    for index in [0, 5, 5, u64::MAX, u64::MAX, 1, 2] {
        audit.feed(&Event { index, ..event(1, &world.log[1]) }).expect("in memory");
    }
    let report = audit.finish().expect("in memory");
    assert_eq!(report.entries, 8);
    assert!(report.total >= 7, "{:?}", report.findings);
    assert_eq!(state(&report).units().len(), 1, "the first of them made the headquarters");
}

#[test]
fn findings_are_bounded_and_counted() {
    let mut world = World::company();
    let body = world.body("boss", step(1, 1, Life::Active));
    let entry = Entry { kind: EntryType::Statement, time: world.now, key_idx: world.rows["boss"], body };
    world.log.extend(std::iter::repeat_n(entry, MAX_FINDINGS + 500));
    let report = audit(&world.log);
    assert_eq!((report.findings.len(), report.total), (MAX_FINDINGS, MAX_FINDINGS as u64 + 500));
}

#[test]
fn a_mutated_history_is_found_or_its_uses_are_sound_all_the_same() {
    let world = history();
    let ledger = *world.state.ledger();
    let log = &world.log;
    let mut found = 0;
    let mut harmless = Vec::new();
    let mut judge = |what: String, mutated: Vec<Entry>| {
        let report = audit(&mutated);
        if report.total > 0 {
            found += 1;
            return;
        }
        // Nothing found: then a search through the log says that every use was authorised.
        assert!(Oracle::new(&mutated, &ledger).all_uses_are_sound(), "{what}");
        harmless.push(what);
    };
    for at in 1..log.len() {
        let mut dropped = log.clone();
        dropped.remove(at);
        judge(format!("dropped {at}"), dropped);
        let mut doubled = log.clone();
        doubled.insert(at, log[at].clone());
        judge(format!("doubled {at}"), doubled);
        if at + 1 < log.len() {
            let mut swapped = log.clone();
            swapped.swap(at, at + 1);
            // The ledger's clock stamps the entries in the order in which they stand.
            (swapped[at].time, swapped[at + 1].time) = (log[at].time, log[at + 1].time);
            judge(format!("swapped {at}"), swapped);
        }
    }
    assert!(harmless.iter().all(|what| !what.starts_with("doubled")), "an entry twice is always found: {harmless:?}");
    // What may be missing without a trace here (the ledger's chain shows it): statements on which nothing rests.
    assert!(found > 2 * harmless.len(), "{found} found, harmless: {harmless:?}");
}

#[test]
fn replayed_times_are_found() {
    let mut world = World::company();
    let late = world.log.len() - 1;
    world.log[late].time = world.log[late - 1].time - 1;
    let report = audit(&world.log);
    assert_eq!(rules(&report)[0], (late as u64, Some(Rule::TimeReversed)));
}

#[test]
fn who_held_what_on_a_day() {
    let mut world = World::company();
    let hired = world.now;
    let filed = world.approved(2);
    let grant = world.granted(filed, 2);
    let granted = world.now;
    world.now += SECOND;
    world.use_seal(filed, grant);
    let mut other = world.clone();
    other.say("olga", GrantRevoke { grant, reason: name("done"), note: None }).expect("revoked");
    let revoked = other.now;
    world.now += DAY;
    world.person("eve", "liwei", 2, "east", &[Role::Approver]).expect("another role");
    let changed = world.now;
    world.say("boss", step(1, 2, Life::Suspended)).expect("suspended");
    let suspended = world.now;
    world.say("eve", PersonLeft { person: name("liwei"), reason: name("left"), note: None }).expect("left");
    let left = world.now;

    let roles = |time| {
        let held = world.state.held_at(time);
        let found = held.persons.iter().find(|(person, _)| person.id == name("liwei"));
        found.map(|(_, membership)| membership.roles.iter().collect::<Vec<_>>())
    };
    assert_eq!(roles(super::world::START), None, "not hired yet");
    assert_eq!(roles(hired), Some(vec![Role::Applicant]));
    assert_eq!(roles(changed - 1), Some(vec![Role::Applicant]));
    assert_eq!(roles(changed), Some(vec![Role::Approver]));
    assert_eq!(roles(left - 1), Some(vec![Role::Approver]));
    assert_eq!(roles(left), None);
    let seal = |time| world.state.held_at(time).seals.first().map(|(_, state)| *state);
    assert_eq!((seal(super::world::START), seal(hired)), (None, Some(Life::Active)));
    assert_eq!((seal(suspended - 1), seal(suspended)), (Some(Life::Active), Some(Life::Suspended)));
    let grants_of = |world: &World, time| {
        world.state.held_at(time).grants.iter().map(|(record, used)| (record.id, *used)).collect::<Vec<_>>()
    };
    let grants = |time| grants_of(&world, time);
    assert_eq!(grants(granted - 1), []);
    assert_eq!(grants(granted), [(grant, 0)]);
    assert_eq!(grants(changed - 1), [(grant, 1)]);
    assert_eq!(grants(changed), [], "the grantee is no applicant any more");
    assert_eq!((grants_of(&other, revoked - 1), grants_of(&other, revoked)), (vec![(grant, 1)], vec![]));
    // The window itself.
    let mut idle = World::company();
    let filed = idle.approved(1);
    let window = Grant { valid_from: idle.now + DAY, ..idle.grant_on(filed, 1) };
    let (from, to) = (window.valid_from, window.valid_to);
    let grant = idle.say("olga", window).expect("grant");
    let counts = [from - 1, from, to - 1, to].map(|time| grants_of(&idle, time));
    assert_eq!(counts, [vec![], vec![(grant, 0)], vec![(grant, 0)], vec![]]);
}

#[test]
fn a_long_hostile_ledger_takes_bounded_work() {
    // 20,000 children of one grant, all revoked with it: each statement costs the same, whatever came before.
    let mut world = World::company();
    let root = Grant { depth_left: 1, ..world.standing_grant() };
    let above = world.say("olga", root.clone()).expect("root");
    let mut last = above;
    for number in 0..20_000_u64 {
        let child = Grant {
            grantee: name("mary"),
            parent: Some(above),
            depth_left: 0,
            valid_to: root.valid_to - number,
            ..root.clone()
        };
        let body = world.body("liwei", child);
        last = StatementId(sealcore::ledger::statement_id(world.state.hash(), &body));
        world.append_now(EntryType::Statement, world.rows["liwei"], body).expect("child");
    }
    world.say("olga", GrantRevoke { grant: above, reason: name("all"), note: None }).expect("one statement");
    let filed = world.say("mary", application(1)).expect("application");
    assert_eq!(rule(world.authorise_for(filed, last, "mary", document("contract"))), Rule::GrantRevoked);
    let report = audit(&world.log);
    assert_eq!((report.total, state(&report).grants().len()), (0, 20_001));
}

#[test]
fn uses_without_an_end_are_named_wherever_they_are_held() {
    let mut world = World::company();
    let filed = world.approved(40);
    let grant = world.granted(filed, 40);
    let mut open = Vec::new();
    for number in 0..40 {
        let token = world.authorise(filed, grant).expect("token");
        let index = world.log.len() as u64;
        world.take(&token).expect("taken");
        match number % 3 {
            0 => open.push(index),
            _ => {
                let (note, usage) = (None, token.id());
                world.say("gate", UseFailed { usage, reason: name("jam"), note }).expect("ended");
            }
        }
    }
    let report = audit(&world.log);
    let found: Vec<u64> = report.findings.iter().map(|finding| finding.index).collect();
    assert!(report.findings.iter().all(|finding| finding.violation == Violation::UseUnfinished));
    assert_eq!(found, open);
}

/// Not a test of its own: [`without_a_folder_for_temporary_files_the_audit_ends_and_says_so`] runs it.
#[test]
#[ignore = "run by another test, in a process without a folder for temporary files"]
fn in_a_process_without_a_folder_for_temporary_files() {
    let world = history();
    let mut audit = Audit::bounded(&world.log[0].body, 0).expect("a genesis");
    let fed = (1..).zip(&world.log[1..]).try_for_each(|(index, entry)| audit.feed(&event(index, entry)));
    let error = fed.expect_err("nowhere to go");
    assert!(matches!(error, Error::AuditIo { os_code: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("TMPDIR"), "{error}");
}

#[test]
fn without_a_folder_for_temporary_files_the_audit_ends_and_says_so() {
    let this = std::env::current_exe().expect("a program");
    let name = "audit::in_a_process_without_a_folder_for_temporary_files";
    let mut child = std::process::Command::new(this);
    let output = child.args(["--exact", name, "--ignored"]).env("TMPDIR", "/nowhere/at/all").output();
    let output = output.expect("runs itself");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
