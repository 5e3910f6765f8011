//! Properties over random histories: grants only narrow, uses never exceed, a refusal changes nothing, the gate agrees
//! with a second opinion, and the audit of what was accepted finds nothing.

use super::oracle::{Asked, Oracle};
use super::world::{DAY, SECOND, World, application, document, event, name, names, policy, seal, sorted, step};
use proptest::prelude::*;
use sealcore::authority::{
    Amount, Application, Approval, Digests, Grant, GrantRecord, GrantRevoke, Life, Name, PersonLeft, Policy, Refusal,
    Request, Role, State, StatementId, UseDelivered, UseFailed, UseToken,
};
use sealcore::ledger::EntryType;

/// Something that somebody tries. Numbers choose among what exists.
#[derive(Clone, Debug)]
enum Act {
    Apply { who: u8, uses: u8 },
    Approve { who: u8, application: u8, days: u8 },
    Refuse { who: u8, application: u8 },
    Grant { application: u8, uses: u8, depth: u8, days: u8, bound: bool },
    Child { parent: u8, who: u8, uses: u8, depth: u8 },
    Revoke { who: u8, grant: u8 },
    Ask { application: u8, grant: u8, who: u8, document: bool },
    Take { token: u8 },
    End { usage: u8, delivered: bool },
    Brake { active: bool },
    Policy { quorum: u8, approvers: u8 },
    Roles { who: u8, roles: u8 },
    Leave { who: u8 },
    Rekey { who: u8 },
    Version,
    Wait { hours: u8 },
}

const PEOPLE: [&str; 8] = ["liwei", "mary", "cat", "ann", "bob", "olga", "boss", "eve"];

fn act() -> impl Strategy<Value = Act> {
    let choice = any::<u8>;
    prop_oneof![
        24 => (choice(), 1_u8..4).prop_map(|(who, uses)| Act::Apply { who, uses }),
        56 => (choice(), choice(), 1_u8..9).prop_map(|(who, application, days)| Act::Approve { who, application, days }),
        2 => (choice(), choice()).prop_map(|(who, application)| Act::Refuse { who, application }),
        32 => (choice(), 1_u8..5, 0_u8..3, 1_u8..9, any::<bool>())
            .prop_map(|(application, uses, depth, days, bound)| Act::Grant { application, uses, depth, days, bound }),
        20 => (choice(), choice(), 1_u8..5, 0_u8..3).prop_map(|(parent, who, uses, depth)| Act::Child { parent, who, uses, depth }),
        4 => (choice(), choice()).prop_map(|(who, grant)| Act::Revoke { who, grant }),
        100 => (choice(), choice(), choice(), prop::bool::weighted(0.9))
            .prop_map(|(application, grant, who, document)| Act::Ask { application, grant, who, document }),
        80 => choice().prop_map(|token| Act::Take { token }),
        24 => (choice(), any::<bool>()).prop_map(|(usage, delivered)| Act::End { usage, delivered }),
        3 => any::<bool>().prop_map(|active| Act::Brake { active }),
        2 => (1_u8..4, choice()).prop_map(|(quorum, approvers)| Act::Policy { quorum, approvers }),
        3 => (choice(), choice()).prop_map(|(who, roles)| Act::Roles { who, roles }),
        1 => choice().prop_map(|who| Act::Leave { who }),
        2 => choice().prop_map(|who| Act::Rekey { who }),
        1 => Just(Act::Version),
        3 => (1_u8..40).prop_map(|hours| Act::Wait { hours }),
    ]
}

fn pick<T: Copy>(items: &[T], choice: u8) -> Option<T> {
    (!items.is_empty()).then(|| items[usize::from(choice) % items.len()])
}

struct Play {
    world: World,
    applications: Vec<StatementId>,
    grants: Vec<StatementId>,
    tokens: Vec<UseToken>,
    uses: Vec<StatementId>,
    asked: u32,
    allowed: u32,
}

impl Play {
    fn new() -> Play {
        // An approved application with two grants, so that most histories have something to use.
        let mut world = World::company();
        let filed = world.approved(3);
        let grant = Grant { depth_left: 2, ..world.grant_on(filed, 3) };
        let bound = world.say("olga", grant).expect("a grant");
        let standing = world.say("olga", Grant { depth_left: 2, ..world.standing_grant() }).expect("a grant");
        let (applications, grants) = (vec![filed], vec![bound, standing]);
        Play { world, applications, grants, tokens: vec![], uses: vec![], asked: 0, allowed: 0 }
    }

    /// Tries something; a refusal must leave the state as it was, to the byte.
    fn attempt<T>(&mut self, what: impl FnOnce(&mut World) -> sealcore::Result<T>) -> Option<T> {
        let before = self.world.state.digest().expect("digest");
        let length = self.world.log.len();
        let outcome = what(&mut self.world);
        match outcome {
            Ok(value) => Some(value),
            Err(_) if self.world.log.len() > length => None, // the first of two entries was taken
            Err(_) => {
                assert_eq!(self.world.state.digest().expect("digest"), before, "a refusal changed the state");
                None
            }
        }
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Apply { who, uses } => {
                let content = Application {
                    purpose: [self.world.log.len() as u8; 32],
                    amount: None,
                    seal_version: self.version(),
                    ..application(u32::from(uses))
                };
                let person = PEOPLE[usize::from(who) % 3];
                let filed = self.attempt(|world| world.say(person, content));
                self.applications.extend(filed);
            }
            Act::Approve { who, application, days } => {
                let Some(application) = pick(&self.applications, application) else { return };
                let expires = self.world.now + u64::from(days) * DAY / 2;
                let person = PEOPLE[2 + usize::from(who) % 3];
                self.attempt(|world| world.say(person, Approval { application, expires }));
            }
            Act::Refuse { who, application } => {
                let Some(application) = pick(&self.applications, application) else { return };
                let content = Refusal { application, reason: name("no"), note: None };
                self.attempt(|world| world.say(PEOPLE[usize::from(who) % PEOPLE.len()], content));
            }
            Act::Grant { application, uses, depth, days, bound } => self.grant(application, uses, depth, days, bound),
            Act::Child { parent, who, uses, depth } => {
                let Some(parent) = pick(&self.grants, parent) else { return };
                let above = self.world.state.grant_record(&parent).expect("a grant").clone();
                let content = Grant {
                    grantee: name(PEOPLE[usize::from(who) % 3]),
                    parent: Some(parent),
                    max_uses: u32::from(uses),
                    depth_left: depth,
                    ..above.grant
                };
                let grantor = self.world.state.persons()[above.grantee].id.to_string();
                let granted = self.attempt(|world| world.say(&grantor, content));
                self.grants.extend(granted);
            }
            Act::Revoke { who, grant } => {
                let Some(grant) = pick(&self.grants, grant) else { return };
                let content = GrantRevoke { grant, reason: name("test"), note: None };
                self.attempt(|world| world.say(PEOPLE[usize::from(who) % PEOPLE.len()], content));
            }
            Act::Ask { application, grant, who, document } => self.ask(application, grant, who, document),
            Act::Take { token } => {
                // The tokens that were given longest ago are the stale ones: each is tried once, now.
                if self.tokens.is_empty() {
                    return;
                }
                let token = self.tokens.remove(usize::from(token) % self.tokens.len());
                let taken = self.attempt(|world| world.take(&token));
                self.uses.extend(taken);
            }
            Act::End { usage, delivered } => {
                let Some(usage) = pick(&self.uses, usage) else { return };
                let level = name("pades-b-b");
                self.attempt(|world| match delivered {
                    true => world.say("gate", UseDelivered { usage, document: document("sealed"), level }),
                    false => world.say("gate", UseFailed { usage, reason: name("crash"), note: None }),
                });
            }
            Act::Brake { active } => {
                let version = self.version();
                let number = self.world.state.seals()[0].current().steps.len() as u32 + 1;
                let state = if active { Life::Active } else { Life::Suspended };
                self.attempt(|world| world.say("boss", step(version, number, state)));
            }
            Act::Policy { quorum, approvers } => {
                let revision = self.world.state.policies()[0].revisions.len() as u32 + 1;
                let named: Vec<&str> =
                    (0..3).filter(|bit| approvers >> bit & 1 == 1).map(|bit| PEOPLE[2 + bit]).collect();
                let approver_units = if approvers >> 4 & 1 == 1 { names(&["hq"]) } else { Vec::new() };
                if approver_units.is_empty() && named.len() < usize::from(quorum) {
                    return;
                }
                let content = Policy {
                    revision,
                    quorum: u32::from(quorum),
                    approvers: names(&named),
                    approver_units,
                    ..policy()
                };
                self.attempt(|world| world.say("boss", content));
            }
            Act::Roles { who, roles } => {
                let person = PEOPLE[usize::from(who) % 6];
                let record = self.world.state.person_record(&name(person)).expect("a person");
                let revision = record.revisions.len() as u32 + 1;
                let unit = self.world.state.units()[record.current().unit].unit.id.to_string();
                let all = [Role::Applicant, Role::Approver, Role::Authoriser];
                let roles: Vec<Role> =
                    (0..3).filter(|bit| (roles | 1 << (who % 3)) >> bit & 1 == 1).map(|bit| all[bit]).collect();
                self.attempt(|world| world.person("boss", person, revision, &unit, &roles));
            }
            Act::Leave { who } => {
                let content =
                    PersonLeft { person: name(PEOPLE[usize::from(who) % 5]), reason: name("left"), note: None };
                self.attempt(|world| world.say("boss", content));
            }
            Act::Rekey { who } => {
                let person = PEOPLE[usize::from(who) % 6];
                let row = self.world.rows[person];
                self.attempt(|world| world.key_revoke(person, row));
                self.attempt(|world| world.give_key("boss", person));
            }
            Act::Version => {
                let next = self.version() + 1;
                self.attempt(|world| world.say("boss", seal(next)));
                self.attempt(|world| world.say("boss", step(next, 1, Life::Active)));
            }
            Act::Wait { hours } => self.world.now += u64::from(hours) * 3_600 * SECOND,
        }
    }

    fn version(&self) -> u32 {
        self.world.state.seals()[0].current().seal.version
    }

    fn grant(&mut self, application: u8, uses: u8, depth: u8, days: u8, bound: bool) {
        let Some(application) = pick(&self.applications, application) else { return };
        let record = self.world.state.application_record(&application).expect("an application");
        let grantee = self.world.state.persons()[record.applicant].id.clone();
        let from_later = self.world.now + u64::from(days % 3) * DAY / 4;
        let limits = Grant {
            grantee,
            seal_version: self.version(),
            max_uses: u32::from(uses),
            depth_left: depth,
            valid_from: from_later,
            valid_to: self.world.now + u64::from(days) * DAY,
            ..self.world.standing_grant()
        };
        let content = match bound {
            true => Grant {
                application: Some(application),
                documents: vec![document("contract")],
                classes: Vec::new(),
                ..limits
            },
            false => limits,
        };
        let granted = self.attempt(|world| world.say("olga", content));
        self.grants.extend(granted);
    }

    /// The gate and the second opinion must agree.
    fn ask(&mut self, application: u8, grant: u8, who: u8, right: bool) {
        let (Some(application), Some(grant)) = (pick(&self.applications, application), pick(&self.grants, grant))
        else {
            return;
        };
        let record = self.world.state.grant_record(&grant).expect("a grant");
        // Mostly the grantee, and mostly the application on which the grant rests.
        let user = match who % 8 {
            0 => name(PEOPLE[usize::from(who / 8) % PEOPLE.len()]),
            _ => record.grant.grantee.clone(),
        };
        let application = if who % 8 < 6 { record.grant.application.unwrap_or(application) } else { application };
        let asked = Asked { application, grant, user, document: document(if right { "contract" } else { "other" }) };
        let request = Request { application, grant, user: &asked.user, document: asked.document, position: None };
        let answer = self.world.state.authorise(&request, self.world.now, None);
        let oracle = Oracle::new(&self.world.log, self.world.state.ledger());
        let allowed = oracle.allows(self.world.log.len(), &asked, self.world.now);
        assert_eq!(answer.is_ok(), allowed, "the gate says {answer:?}");
        self.asked += 1;
        self.allowed += u32::from(allowed);
        self.tokens.extend(answer);
    }

    /// What must hold after any history.
    fn judge(&self) {
        let state = &self.world.state;
        let oracle = Oracle::new(&self.world.log, state.ledger());
        for record in state.grants() {
            let taken = oracle.taken(self.world.log.len(), record.id);
            assert_eq!(record.used, taken);
            assert!(taken <= record.grant.max_uses, "a grant of {} was used {taken} times", record.grant.max_uses);
            if let Some(parent) = record.parent {
                only_narrows(record, &state.grants()[parent]);
            }
        }
        for record in state.applications() {
            let taken = state.uses().iter().filter(|usage| usage.usage.application == record.id).count();
            assert!(taken <= record.application.impressions as usize);
            assert_eq!(taken, record.used as usize);
        }
        let report = super::audit::audit(&self.world.log);
        assert_eq!(report.total as usize, state.open_uses().count(), "only open uses: {:?}", report.findings);
        assert_eq!(super::audit::state(&report).digest().expect("digest"), state.digest().expect("digest"));
    }
}

/// Written from the definition, not from the code: whatever the child allows, the parent allows.
fn only_narrows(child: &GrantRecord, parent: &GrantRecord) {
    let (part, whole) = (&child.grant, &parent.grant);
    assert!(child.grantor == parent.grantee && child.at > parent.at);
    assert_eq!((&part.seal, part.seal_version), (&whole.seal, whole.seal_version));
    assert!(part.max_uses <= whole.max_uses && part.depth_left < whole.depth_left);
    assert!(part.valid_from >= whole.valid_from && part.valid_to <= whole.valid_to);
    assert!(whole.application.is_none() || part.application == whole.application);
    let allows_document =
        |grant: &Grant, digests: &Digests| grant.documents.is_empty() || grant.documents.contains(digests);
    let allows_class = |grant: &Grant, class: &Name| grant.classes.is_empty() || grant.classes.contains(class);
    for label in ["contract", "annex", "letter", "other"] {
        assert!(!allows_document(part, &document(label)) || allows_document(whole, &document(label)));
        assert!(!allows_class(part, &name(label)) || allows_class(whole, &name(label)));
    }
    let allows_amount = |grant: &Grant, currency: &[u8; 3], minor: u64| {
        grant.max_amounts.is_empty()
            || grant.max_amounts.iter().any(|top| top.currency == *currency && minor <= top.minor)
    };
    for currency in [b"CNY", b"EUR", b"USD"] {
        for minor in [0, 1, 5, 6, 10, 11, 100] {
            assert!(!allows_amount(part, currency, minor) || allows_amount(whole, currency, minor));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn the_gate_agrees_with_a_second_opinion_on_random_histories(acts in prop::collection::vec(act(), 1..90)) {
        let mut play = Play::new();
        for act in &acts {
            play.act(act);
        }
        play.judge();
    }

    /// Random trees of grants: whatever is accepted only narrows, in every dimension.
    #[test]
    fn attenuation_never_widens(tries in prop::collection::vec(tree(), 1..40)) {
        let mut world = World::company();
        world.hire("eve", "dave", "sales", &[Role::Applicant]);
        let (start, mut accepted) = (world.now, vec![]);
        for attempt in tries {
            let parent = pick(&accepted, attempt.parent).filter(|_| attempt.parent > 60);
            let grantee = name(["liwei", "mary", "cat", "dave"][usize::from(attempt.grantee % 4)]);
            let content = Grant { grantee, parent, valid_from: start + attempt.from, valid_to: start + attempt.to, ..attempt.limits };
            let grantor = match parent {
                None => "olga".to_owned(),
                Some(id) => world.state.grant_record(&id).expect("known").grant.grantee.to_string(),
            };
            accepted.extend(world.say(&grantor, content));
        }
        for record in world.state.grants() {
            if let Some(parent) = record.parent {
                only_narrows(record, &world.state.grants()[parent]);
            }
            prop_assert!(world.state.grant_chain(&record.id).expect("known").len() <= 9);
        }
    }

    /// Any entry of a whole history, damaged: refused without a trace, or taken as what it then says; never a panic.
    #[test]
    fn damaged_entries_leave_no_trace(
        at in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        key_idx in prop::option::of(0_u32..20),
    ) {
        let mut world = World::company();
        let filed = world.approved(2);
        let grant = world.granted(filed, 2);
        world.use_seal(filed, grant);
        let at = 1 + at.index(world.log.len() - 1);
        let mut state = State::new(&world.log[0].body).expect("genesis");
        for index in 1..at {
            state.apply(&event(index as u64, &world.log[index])).expect("as before");
        }
        let mut entry = world.log[at].clone();
        for (place, byte) in changes {
            let place = place.index(entry.body.len());
            entry.body[place] = byte;
        }
        entry.key_idx = key_idx.unwrap_or(entry.key_idx);
        let before = state.digest().expect("digest");
        let checked = state.check(&event(at as u64, &entry));
        prop_assert_eq!(state.digest().expect("digest"), before, "check changes nothing");
        let applied = state.apply(&event(at as u64, &entry));
        prop_assert_eq!(checked, applied, "check and apply decide alike");
        if applied.is_err() {
            prop_assert_eq!(state.digest().expect("digest"), before);
            state.apply(&event(at as u64, &world.log[at])).expect("the true entry still fits");
        } else {
            prop_assert_ne!(state.digest().expect("digest"), before);
        }
    }
}

#[derive(Clone, Debug)]
struct Try {
    parent: u8,
    grantee: u8,
    from: u64,
    to: u64,
    limits: Grant,
}

fn tree() -> impl Strategy<Value = Try> {
    let documents = prop::sample::subsequence(vec!["contract", "annex", "other"], 0..=3);
    let classes = prop::sample::subsequence(vec!["contract", "letter", "other"], 1..=3);
    let ceilings = (prop::sample::subsequence(vec!["CNY", "EUR", "USD"], 0..=3), 0_u64..12);
    ((any::<u8>(), any::<u8>(), 0..3 * DAY, 3 * DAY..6 * DAY), (1_u32..6, 0_u8..9, documents, classes, ceilings))
        .prop_map(|((parent, grantee, from, to), (max_uses, depth_left, documents, classes, (currencies, minor)))| {
            let limits = Grant {
                grantee: name("liwei"),
                seal: name("company-seal"),
                seal_version: 1,
                max_uses,
                valid_from: 0,
                valid_to: 1,
                depth_left,
                application: None,
                parent: None,
                documents: sorted(documents.into_iter().map(document).collect()),
                classes: names(&classes),
                max_amounts: currencies
                    .into_iter()
                    .map(|code| Amount { currency: code.as_bytes().try_into().expect("three"), minor })
                    .collect(),
            };
            Try { parent, grantee, from, to, limits }
        })
}

/// The random histories would prove little if the gate never said yes.
#[test]
fn random_histories_reach_the_gate() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut asked, mut allowed, mut uses) = (0, 0, 0);
    for _ in 0..60 {
        let acts = prop::collection::vec(act(), 60..90).new_tree(&mut runner).expect("acts").current();
        let mut play = Play::new();
        acts.iter().for_each(|act| play.act(act));
        (asked, allowed, uses) = (asked + play.asked, allowed + play.allowed, uses + play.world.state.uses().len());
    }
    assert!(allowed > 60 && asked - allowed > 60 && uses > 30, "asked {asked}, allowed {allowed}, uses {uses}");
}

#[test]
fn tokens_given_to_many_never_take_more_than_the_grant() {
    let mut world = World::company();
    let filed = world.approved(5);
    let parent = Grant { depth_left: 1, ..world.grant_on(filed, 4) };
    let above = world.say("olga", parent.clone()).expect("parent");
    let children: Vec<StatementId> = (1..=3)
        .map(|less| {
            let content = Grant {
                grantee: name("mary"),
                parent: Some(above),
                depth_left: 0,
                max_uses: 3,
                valid_to: parent.valid_to - less,
                ..parent.clone()
            };
            world.say("liwei", content).expect("child")
        })
        .collect();
    // Everybody asks at the same moment and gets a token, then all try to take it, round after round.
    let mut taken = 0;
    for _ in 0..4 {
        let mut tokens = vec![world.authorise(filed, above)];
        tokens.extend(children.iter().map(|&child| world.authorise_for(filed, child, "mary", document("contract"))));
        for token in tokens.into_iter().flatten() {
            world.now += 1;
            taken += u32::from(world.append_now(EntryType::Statement, 0, token.body().to_vec()).is_ok());
        }
    }
    assert_eq!(taken, 4);
    assert_eq!(world.state.grant_record(&above).expect("parent").used, 4);
}
