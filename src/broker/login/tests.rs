//! Who is let in as whom, and who has to wait, on a virtual clock.

use tempfile::TempDir;
use tokio::time::Instant;

use super::*;
use crate::broker::codec::Version;
use crate::broker::door::Way;
use crate::broker::users::{password, store::Store};
use crate::database::state;

/// A login that knows `anna`.
struct Porch {
    login: Arc<Login>,
    _folder: TempDir,
}

/// Who got in, as whom.
type Outcome = Result<Option<String>, Refusal>;

impl Porch {
    async fn new(anonymous: Option<bool>) -> Porch {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(state::open(folder.path()).await.unwrap());
        let hash = password::hash("anna's word").unwrap();
        store.add("anna", &hash).await.unwrap();
        let (users, _) = Users::read(store).await.unwrap();
        Porch {
            login: Login::new(users, anonymous, Clock::start()),
            _folder: folder,
        }
    }

    async fn enter(&self, peer: &Peer, name: Option<&str>, password: Option<&str>) -> Outcome {
        let mut connect = connect(name, password);
        let pass = self.login.admit(peer, &mut connect).await?;
        assert_eq!(connect.password, None, "no password goes further");
        if let Some(pass) = pass {
            assert_eq!(Some(&*pass.name), connect.username.as_deref());
        }
        Ok(connect.username)
    }

    async fn guess(&self, peer: &Peer) {
        let outcome = self.enter(peer, Some("anna"), Some("a wrong one")).await;
        assert_eq!(outcome, Err(Refusal::Password));
    }
}

fn peer(from: [u8; 4], through: [u8; 4]) -> Peer {
    Peer::new((from, 50_000).into(), Way::Tcp, (through, 1883).into())
}

fn neighbour() -> Peer {
    peer([192, 168, 1, 7], [0, 0, 0, 0])
}

fn own() -> Peer {
    peer([127, 0, 0, 1], [127, 0, 0, 1])
}

fn connect(name: Option<&str>, password: Option<&str>) -> Connect {
    Connect {
        version: Version::V5,
        client_id: "c".to_owned(),
        clean_start: true,
        keep_alive: 0,
        username: name.map(str::to_owned),
        password: password.map(|password| Bytes::from(password.to_owned())),
        will: None,
        session_expiry: None,
        receive_maximum: None,
        maximum_packet_size: None,
        topic_alias_maximum: 0,
        request_response_information: false,
        request_problem_information: true,
        user_properties: Vec::new(),
        authentication_method: None,
        authentication_data: None,
    }
}

#[tokio::test]
async fn who_has_no_name_may_come_from_this_computer_alone() {
    let (by_default, all, none) = (
        Porch::new(None).await,
        Porch::new(Some(true)).await,
        Porch::new(Some(false)).await,
    );
    let stranger = Err(Refusal::Stranger);
    assert_eq!(by_default.enter(&own(), None, None).await, Ok(None));
    assert_eq!(by_default.enter(&neighbour(), None, None).await, stranger);
    // What counts is who else could have come the same way.
    let through_all = peer([127, 0, 0, 1], [0, 0, 0, 0]);
    assert_eq!(by_default.enter(&through_all, None, None).await, stranger);
    assert_eq!(all.enter(&neighbour(), None, None).await, Ok(None));
    assert_eq!(none.enter(&own(), None, None).await, stranger);
}

#[tokio::test]
async fn who_gives_a_name_proves_it_wherever_it_comes_from() {
    let porch = Porch::new(Some(true)).await;
    for peer in [own(), neighbour()] {
        let enter = |name, password| porch.enter(&peer, name, password);
        let right = enter(Some("anna"), Some("anna's word")).await;
        assert_eq!(right, Ok(Some("anna".to_owned())));
    }
    let wrong = Err(Refusal::Password);
    for (name, password) in [
        (Some("anna"), Some("a wrong one")),
        (Some("anna"), None),
        (Some("nobody"), Some("anna's word")),
        (Some(""), Some("")),
        (None, Some("anna's word")),
    ] {
        // Each from an address of its own, which has not been wrong before.
        let porch = Porch::new(Some(true)).await;
        assert_eq!(porch.enter(&own(), name, password).await, wrong, "{name:?}");
    }
}

#[tokio::test]
async fn a_certificate_proves_its_own_name_and_no_other() {
    let porch = Porch::new(None).await;
    let certified = Peer {
        user: Some("kitchen".into()),
        ..neighbour()
    };
    let enter = |name, password| porch.enter(&certified, name, password);
    let kitchen = Ok(Some("kitchen".to_owned()));
    assert_eq!(enter(None, None).await, kitchen);
    assert_eq!(enter(Some("kitchen"), None).await, kitchen);
    let anna = Ok(Some("anna".to_owned()));
    assert_eq!(enter(Some("anna"), Some("anna's word")).await, anna);
    assert_eq!(enter(Some("anna"), None).await, Err(Refusal::Password));
}

#[tokio::test]
async fn wrong_logins_make_the_next_ones_of_the_address_wait() {
    let porch = Porch::new(None).await;
    tokio::time::pause();
    let began = Instant::now();
    let mut waits = Vec::new();
    for _ in 0..5 {
        porch.guess(&own()).await;
        waits.push(began.elapsed().as_millis());
    }
    // Virtual milliseconds: timers are late by one or two.
    let near = |is: u128, should: u128| is.abs_diff(should) <= 50;
    let expected = [0, 250, 750, 1750, 3750];
    let as_expected = waits
        .iter()
        .zip(expected)
        .all(|(is, should)| near(*is, should));
    assert!(as_expected, "{waits:?}");
    assert_eq!(
        porch.enter(&own(), None, None).await,
        Ok(None),
        "nothing to guess"
    );
    assert!(near(began.elapsed().as_millis(), 3750));
    let right = porch.enter(&own(), Some("anna"), Some("anna's word")).await;
    assert_eq!(
        right,
        Ok(Some("anna".to_owned())),
        "late, but not locked out"
    );
    let waited = began.elapsed().as_millis();
    assert!(near(waited, 7750), "{waited}");
}

#[tokio::test]
async fn a_line_that_is_too_long_is_cut() {
    let porch = Porch::new(None).await;
    tokio::time::pause();
    for _ in 0..6 {
        porch.guess(&neighbour()).await;
    }
    let peer = neighbour();
    let guesses = (0..4).map(|_| porch.enter(&peer, Some("anna"), Some("a wrong one")));
    let outcomes = futures_util::future::join_all(guesses).await;
    let (wrong, late) = (Err(Refusal::Password), Err(Refusal::Logins));
    assert_eq!(outcomes[0], wrong);
    assert_eq!(
        outcomes[3], late,
        "at 5 s each, ten are over before its turn"
    );
    // Another address does not stand in that line.
    let other = self::peer([192, 168, 1, 8], [0, 0, 0, 0]);
    let began = Instant::now();
    let right = porch.enter(&other, Some("anna"), Some("anna's word")).await;
    assert_eq!(right, Ok(Some("anna".to_owned())));
    assert_eq!(began.elapsed().as_secs(), 0);
}
