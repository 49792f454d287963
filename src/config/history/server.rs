//! Reads where the history is kept if not in the file: `url = "postgres://hearth@db/house"`.

use std::path::Path;

use crate::config::check::Places;
use crate::config::item::Item;
use crate::config::problem::nearest;
use crate::config::table::Table;
use crate::history::Address;
use crate::history::address::WrongAddress;

const EXAMPLE: &str = "write \"postgres://hearth@localhost/hearth\": user, computer and database";
const SCHEMES: [&str; 2] = ["postgres", "postgresql"];

pub(super) fn read(table: &Table<'_>, base: &Path, places: &mut Places) -> Option<Address> {
    table.goes_with("password_file", "url");
    table.goes_with("queue", "url");
    table.refuse(
        "password",
        "a password does not belong in the config, which others may read",
        "write it into a file that only hearth may read, and name that: password_file = \"…\"",
    );
    let address = table.optional("url", address);
    let file = |item: Item<'_>| Some((base.join(item.text()?), item.spot()));
    let file = table.optional("password_file", file);
    let is_double = address.as_ref().is_some_and(Address::holds_password);
    if let (Some((_, spot)), true) = (&file, is_double) {
        let message = "the password is in `url` already";
        let problem = crate::config::problem::Problem::at(spot.clone(), message);
        table.error(problem.hint("take it out there, where more people see it"));
    }
    places.history_password.clone_from(&file);
    Some(address?.with_password_file(file.map(|(path, _)| path)))
}

fn address(item: Item<'_>) -> Option<Address> {
    let text = item.text()?;
    let wrong = match Address::parse(&text) {
        Ok(address) => return Some(address),
        Err(wrong) => wrong,
    };
    let hint = match &wrong {
        WrongAddress::NoScheme | WrongAddress::Other(_) => EXAMPLE.to_owned(),
        WrongAddress::NoDatabase => {
            "name it behind a slash: \"postgres://hearth@localhost/hearth\"".to_owned()
        }
        WrongAddress::Scheme(scheme) => match nearest(scheme, SCHEMES) {
            Some(near) => format!("did you mean \"{near}://\"?"),
            None => "history is kept in PostgreSQL, \"postgres://…\", or without `url` in a file"
                .to_owned(),
        },
    };
    let wrong = match wrong {
        // What stands before `://` may be anything.
        WrongAddress::Scheme(scheme) => {
            format!("history is not kept in {}", super::quoted(&scheme))
        }
        other => format!("`url` is no address: {other}"),
    };
    item.wrong(wrong, hint)
}
