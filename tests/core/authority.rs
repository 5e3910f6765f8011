//! Authority: statements, the rules one by one, the gate, the audit, and properties over random histories.

#[path = "authority/world.rs"]
mod world;

use sealcore::Rule;
use world::{World, refusal, rule};

#[test]
fn a_branch_applies_headquarters_approves_and_the_gate_counts() {
    let mut world = World::company();
    let application = world.approved(2);
    let grant = world.granted(application, 2);
    world.use_seal(application, grant);
    world.use_seal(application, grant);
    let (rule, statement, limit, actual) = refusal(world.authorise(application, grant));
    let granted = world.state.grant_record(&grant).expect("the grant").at.index;
    assert_eq!((rule, statement, limit, actual), (Rule::GrantExhausted, granted, 2, 3));
}
