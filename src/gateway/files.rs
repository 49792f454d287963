//! Open files: every connection is one, and many systems give a program 1,024.
//!
//! The limit that the system enforces (soft) is raised at the start, up to the
//! one that it does not let us pass (hard).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::web::MAX_CONNECTIONS;

/// Databases, certificates, serial ports, pins, bridges, and what libraries
/// open for a moment.
const OWN: u64 = 128;
/// A house with fewer places for clients is none.
const FEWEST: usize = 32;

/// Raises the limit of open files so that `connections` MQTT clients, those
/// that are being refused, and all browsers have room. `connections` is lowered
/// to what the system allows, and the log says how to get more.
pub(super) fn make_room(connections: &mut usize, refused: usize) {
    let limit = getrlimit(Resource::Nofile);
    let others = OWN + (MAX_CONNECTIONS + refused) as u64;
    let wanted = others + *connections as u64;
    let had = raise(limit, wanted);
    if let Some(fewer) = places(had, others).filter(|fewer| fewer < connections) {
        tracing::warn!(
            "[broker.limits] connections = {connections} is lowered to {fewer}: the system lets this program \
             open {had} files, and {wanted} are wanted; raise the limit with `ulimit -Hn {wanted}`, \
             or in a systemd unit with LimitNOFILE={wanted}"
        );
        *connections = fewer;
    }
}

/// How many files may be open, if `wanted` should be; `u64::MAX` without a limit.
fn raise(limit: Rlimit, wanted: u64) -> u64 {
    let had = limit.current.unwrap_or(u64::MAX);
    let allowed = wanted.min(limit.maximum.unwrap_or(u64::MAX));
    if allowed <= had {
        return had;
    }
    let raised = Rlimit {
        current: Some(allowed),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => allowed,
        Err(error) => {
            tracing::warn!("the limit of open files cannot be raised to {allowed}: {error}");
            had
        }
    }
}

/// Connections for which there is room beside `others`; `None` for any number.
fn places(limit: u64, others: u64) -> Option<usize> {
    let free = usize::try_from(limit.saturating_sub(others)).ok()?;
    Some(free.max(FEWEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_allows_is_taken() {
        let before = getrlimit(Resource::Nofile);
        let most = before.maximum.unwrap_or(1 << 20);
        assert!(raise(before, most) >= most);
        assert!(getrlimit(Resource::Nofile).current.unwrap_or(most) >= most);
        // Nobody is given less than before.
        let raised = getrlimit(Resource::Nofile);
        assert!(raise(raised, 1) >= most);
        let mut connections = 100;
        make_room(&mut connections, 256);
        assert_eq!(connections, 100);
    }

    #[test]
    fn there_are_as_many_places_as_files_and_never_none() {
        assert_eq!(places(2_000, 896), Some(1_104));
        assert_eq!(places(1_024, 1_000), Some(FEWEST));
        assert_eq!(places(10, 1_000), Some(FEWEST));
        assert!(places(u64::MAX, 896).is_none_or(|many| many > 1 << 40));
    }
}
