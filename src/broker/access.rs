//! Who may read and write which topics: `[access]` of the config.
//!
//! Pure: the router asks, with a user, a client id and a topic. One section
//! holds for a session, and that alone: the one of its client id if there is
//! one, else its user's, else everyone's (or the one of anonymous clients).
//! Where there is none, everything is allowed that Hearth does not keep for
//! itself.

pub mod pattern;
pub mod rights;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use pattern::{Pattern, Who};
use rights::{CABLE, Listed, OnCable, Rights};

/// `[access]` in the config.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Access {
    /// For users that have no section of their own.
    pub everyone: Option<Section>,
    pub anonymous: Option<Section>,
    pub users: BTreeMap<String, Section>,
    pub clients: BTreeMap<String, Client>,
}

/// `[access.client.ID]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Client {
    /// The only one who may use this client id, if there is one.
    pub user: Option<String>,
    /// `None` where it says whose the client id is, and nothing more.
    pub section: Option<Section>,
}

/// What may be read and written. What is not listed may not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grants {
    pub read: Vec<Pattern>,
    pub write: Vec<Pattern>,
}

/// What one section of `[access]` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Where absent, everything that is not denied.
    grants: Option<Grants>,
    /// Neither read nor written, whatever is granted.
    deny: Vec<Pattern>,
    /// Filled in once for all, where nothing in it depends on the client.
    fixed: Option<Arc<Listed>>,
}

impl Section {
    pub fn new(grants: Option<Grants>, deny: Vec<Pattern>) -> Section {
        let granted = grants.iter();
        let granted = granted.flat_map(|grants| grants.read.iter().chain(&grants.write));
        let mut all = granted.chain(&deny);
        let nobody = Who {
            user: None,
            client_id: "",
        };
        let fixed = all
            .all(Pattern::is_fixed)
            .then(|| Arc::new(Listed::new(grants.as_ref(), &deny, &nobody)));
        Section {
            grants,
            deny,
            fixed,
        }
    }

    fn rights(&self, who: &Who<'_>) -> Rights {
        let fill_in = || Arc::new(Listed::new(self.grants.as_ref(), &self.deny, who));
        Rights::Listed(self.fixed.clone().unwrap_or_else(fill_in))
    }
}

impl Access {
    /// Whether everybody may do everything, so that nobody need ask.
    pub fn is_open(&self) -> bool {
        let sections = self.clients.values().any(|client| client.section.is_some());
        self.everyone.is_none() && self.anonymous.is_none() && self.users.is_empty() && !sections
    }

    /// What a client may do.
    pub fn rights(&self, who: &Who<'_>) -> Rights {
        let of_client = self.clients.get(who.client_id);
        let section = of_client.and_then(|client| client.section.as_ref());
        let is_on_cable = who.user == Some(CABLE);
        let section = section.or_else(|| match who.user.filter(|_| !is_on_cable) {
            Some(user) => self.users.get(user).or(self.everyone.as_ref()),
            None => self.anonymous.as_ref(),
        });
        let rights = section.map_or(Rights::Everything, |section| section.rights(who));
        match is_on_cable {
            true => Rights::OnCable(Arc::new(OnCable::new(who.client_id, rights))),
            false => rights,
        }
    }

    /// Whether this client id is not kept for somebody else.
    pub fn may_use_id(&self, who: &Who<'_>) -> bool {
        let of_client = self.clients.get(who.client_id);
        let owner = of_client.and_then(|client| client.user.as_deref());
        owner.is_none_or(|owner| who.user == Some(owner))
    }
}

/// What a client tried and may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Publish,
    Subscribe,
    /// To have its will published, though it could be when it connected.
    Will,
}

/// A deed that was refused, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden {
    pub deed: Deed,
    pub topic: Arc<str>,
    pub client_id: Arc<str>,
    pub user: Option<Arc<str>>,
    /// No further ones of this connection are told.
    pub last: bool,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Forbidden {
            topic, client_id, ..
        } = self;
        match &self.user {
            Some(user) => write!(f, "{client_id:?} of the user {user:?} ")?,
            None => write!(f, "{client_id:?}, which is anonymous, ")?,
        }
        match self.deed {
            Deed::Publish => write!(f, "may not write {topic:?}")?,
            Deed::Subscribe => write!(f, "may read nothing of {topic:?}")?,
            Deed::Will => write!(
                f,
                "may not write {topic:?} any more: its will is not published"
            )?,
        }
        match self.last {
            true => write!(f, "; what else is refused to it is only counted"),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(read: &str) -> Section {
        let grants = Grants {
            read: vec![Pattern::parse(read).unwrap()],
            write: Vec::new(),
        };
        Section::new(Some(grants), Vec::new())
    }

    fn access() -> Access {
        let client = |user: Option<&str>, section| Client {
            user: user.map(str::to_owned),
            section,
        };
        Access {
            everyone: Some(section("everyone/%u/%c")),
            anonymous: Some(section("anonymous")),
            users: [("anna".to_owned(), section("anna/%c"))].into(),
            clients: [
                ("panel".to_owned(), client(None, Some(section("panel")))),
                ("phone".to_owned(), client(Some("anna"), None)),
            ]
            .into(),
        }
    }

    fn who<'a>(user: Option<&'a str>, client_id: &'a str) -> Who<'a> {
        Who { user, client_id }
    }

    #[test]
    fn the_most_particular_section_holds_alone() {
        let may = |user, id, topic: &str| access().rights(&who(user, id)).may_read(topic);
        assert!(may(Some("anna"), "x", "anna/x") && !may(Some("anna"), "x", "everyone/anna/x"));
        assert!(may(Some("ben"), "x", "everyone/ben/x") && !may(Some("ben"), "x", "anna/x"));
        assert!(may(None, "x", "anonymous") && !may(None, "x", "everyone/x/x"));
        assert!(may(Some("anna"), "panel", "panel") && may(None, "panel", "panel"));
        assert!(!may(Some("anna"), "panel", "anna/panel"));
        assert!(
            may(Some("anna"), "phone", "anna/phone"),
            "it has no section"
        );
    }

    #[test]
    fn a_board_on_a_cable_has_its_own_topics_whatever_the_sections_say() {
        let rights = access().rights(&who(Some(CABLE), "uno-1"));
        let own = "hearth/wire/uno-1/state/1";
        assert!(rights.may_write(own) && rights.may_read(own) && rights.may_subscribe(own));
        assert!(rights.may_read("anonymous") && !rights.may_read("everyone/x/x"));
        for other in [
            "hearth/wire/uno-12/state/1",
            "hearth/status",
            "hearth/wire/uno-2/map",
        ] {
            assert!(!rights.may_write(other), "{other}");
        }
        let open = Access::default().rights(&who(Some(CABLE), "uno-1"));
        assert!(open.may_write(own) && open.may_write("home/hall/lamp"));
        assert!(!open.may_write("hearth/status"));
        assert!(!Access::default().rights(&who(None, "uno-1")).may_write(own));
    }

    #[test]
    fn what_a_board_shall_be_is_anyones_to_say() {
        let may = |topic| Rights::Everything.may_write(topic);
        assert!(may("hearth/board/uno-1/config"));
        assert!(!may("hearth/board/config") && !may("hearth/board/a/b/config"));
        assert!(!may("hearth/board/uno-1/map") && !may("hearth/x/uno-1/config"));
    }

    #[test]
    fn without_a_section_everything_is_allowed() {
        let only_anna = Access {
            everyone: None,
            anonymous: None,
            ..access()
        };
        assert!(Access::default().is_open() && !only_anna.is_open());
        for user in [None, Some("ben")] {
            assert_eq!(only_anna.rights(&who(user, "x")), Rights::Everything);
        }
    }

    #[test]
    fn a_client_id_may_be_kept_for_a_user() {
        let may = |user, id| access().may_use_id(&who(user, id));
        assert!(may(Some("anna"), "phone") && !may(Some("ben"), "phone") && !may(None, "phone"));
        assert!(may(Some("ben"), "panel") && may(None, "other"));
    }

    #[test]
    fn what_depends_on_nobody_is_filled_in_once() {
        let fixed = section("home/#");
        let listed = |client_id| match fixed.rights(&who(None, client_id)) {
            Rights::Listed(listed) => listed,
            other => panic!("it is listed, not {other:?}"),
        };
        assert!(Arc::ptr_eq(&listed("a"), &listed("b")));
    }

    #[test]
    fn a_refusal_can_be_read_alone() {
        let forbidden = Forbidden {
            deed: Deed::Publish,
            topic: "home/hall/lamp/set".into(),
            client_id: "phone".into(),
            user: Some("ben".into()),
            last: true,
        };
        assert_eq!(
            forbidden.to_string(),
            "\"phone\" of the user \"ben\" may not write \"home/hall/lamp/set\"; \
             what else is refused to it is only counted"
        );
    }
}
