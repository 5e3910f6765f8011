//! Authority: statements, the rules one by one, the gate, the audit, and properties over random histories.

#[path = "authority/audit.rs"]
mod audit;
#[path = "authority/gate.rs"]
mod gate;
#[path = "authority/grants.rs"]
mod grants;
#[path = "authority/oracle.rs"]
mod oracle;
#[path = "authority/people.rs"]
mod people;
#[path = "authority/properties.rs"]
mod properties;
#[path = "authority/seals.rs"]
mod seals;
#[path = "authority/statements.rs"]
mod statements;
#[path = "authority/verify.rs"]
mod verify;
#[path = "authority/world.rs"]
mod world;
