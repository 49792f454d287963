//! Who may come in, and what each may do.

mod doors;
mod permissions;
mod reload;
mod users;

use crate::harness::{House, Person, eventually};

const ANNA: Person = Person {
    name: "anna",
    password: "correct horse",
};
const BEN: Person = Person {
    name: "ben",
    password: "battery staple",
};

fn wait_for_log(house: &House, words: &[&str]) {
    let said = || (!house.log.with(words).is_empty()).then_some(());
    eventually(&format!("the log to say {words:?}"), said);
}
