//! Certificates as users have them, and clients over TLS.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::authority::{Authority, Pair};
use super::*;
use crate::clock::{Clock, UtcMillis};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// A folder with a CA, a server's pair and a client's.
struct Desk {
    folder: TempDir,
    ca: Authority,
}

impl Desk {
    fn new() -> Desk {
        Desk::at(now())
    }

    fn at(now: UtcMillis) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let (ca, pair) = Authority::create("Test CA", now).unwrap();
        let desk = Desk { folder, ca };
        desk.write("ca", &pair);
        let server = desk.ca.server(&["localhost".to_owned()]).unwrap();
        desk.write("server", &server);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, pair: &Pair) {
        std::fs::write(self.path(&format!("{name}.pem")), &pair.certificate).unwrap();
        let key = self.path(&format!("{name}.key"));
        std::fs::write(&key, &pair.key).unwrap();
        std::fs::set_permissions(key, PermissionsExt::from_mode(0o600)).unwrap();
    }

    fn settings(&self) -> Settings {
        Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
            client_ca: Some(self.path("ca.pem")),
            require_certificate: true,
        }
    }

    /// What `check` says, without the folder's name.
    fn said(&self, settings: &Settings, now: UtcMillis) -> Vec<String> {
        let faults = check(settings, now).unwrap_or_else(|faults| faults);
        let folder = self.folder.path().display().to_string();
        let sentence = |fault: Fault| {
            let text = format!("{:?}: {}: {}", fault.file, fault.message, fault.hint);
            text.replace(&format!("{folder}/"), "")
        };
        faults.into_iter().map(sentence).collect()
    }
}

fn now() -> UtcMillis {
    Clock::start().now().utc
}

#[test]
fn certificates_of_our_own_are_fine() {
    let desk = Desk::new();
    assert_eq!(check(&desk.settings(), now()), Ok(Vec::new()));
}

#[test]
fn a_ca_that_was_kept_signs_again() {
    let desk = Desk::new();
    let read = |name: &str| std::fs::read_to_string(desk.path(name)).unwrap();
    let pair = Pair {
        certificate: read("ca.pem"),
        key: read("ca.key"),
    };
    let again = Authority::open(&pair, now()).unwrap();
    desk.write("server", &again.server(&["pi.local".to_owned()]).unwrap());
    assert_eq!(check(&desk.settings(), now()), Ok(Vec::new()));
    let client = again.client("kitchen").unwrap();
    let certificate = x509_parser::pem::parse_x509_pem(client.certificate.as_bytes()).unwrap();
    let user = name::user(&certificate.1.contents);
    assert_eq!(user.as_deref(), Some("kitchen"));
}

#[test]
fn every_wrong_file_is_named_with_what_to_do() {
    let desk = Desk::new();
    std::fs::write(desk.path("notes.txt"), "nothing to see").unwrap();
    let settings = Settings {
        certificate: desk.path("missing.pem"),
        key: desk.path("server.pem"),
        client_ca: Some(desk.path("notes.txt")),
        ..desk.settings()
    };
    insta::assert_snapshot!(desk.said(&settings, now()).join("\n"), @"
    Certificate: cannot read missing.pem: No such file or directory (os error 2): `hearth certs DIR` makes a CA and certificates of your own; see docs/tls.md
    Key: server.pem holds no private key: it holds a certificate: are the two files swapped?
    ClientCa: notes.txt holds no certificate: a PEM file is text with lines such as -----BEGIN CERTIFICATE-----
    ");
}

#[test]
fn slips_with_files_are_recognised() {
    let desk = Desk::new();
    let with = |name: &str, content: &[u8]| {
        std::fs::write(desk.path(name), content).unwrap();
        desk.path(name)
    };
    let said = |settings: &Settings| desk.said(settings, now()).join("\n");
    let certificate = |path: PathBuf| Settings {
        certificate: path,
        ..desk.settings()
    };
    let key = |path: PathBuf| Settings {
        key: path,
        ..desk.settings()
    };
    let der = said(&certificate(with("a.der", &[0x30, 0x82, 1, 2])));
    assert!(der.contains("looks like DER"), "{der}");
    let swapped = said(&certificate(desk.path("server.key")));
    assert!(swapped.contains("swapped"), "{swapped}");
    let locked =
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
    let locked = said(&key(with("locked.key", locked)));
    assert!(locked.contains("passphrase"), "{locked}");
    let torn = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
    let torn = said(&certificate(with("torn.pem", torn)));
    assert!(
        torn.contains("holds no certificate that can be read"),
        "{torn}"
    );
    let nonsense = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let nonsense = said(&certificate(with("nonsense.pem", nonsense)));
    assert!(nonsense.contains("cannot be used"), "{nonsense}");
}

#[test]
fn a_key_of_another_certificate_does_not_fit() {
    let desk = Desk::new();
    let settings = Settings {
        key: desk.path("ca.key"),
        ..desk.settings()
    };
    let said = desk.said(&settings, now());
    assert_eq!(
        said,
        [
            "Key: the key ca.key does not fit the certificate server.pem: each certificate has a \
          key of its own: name the one that was made with it"
        ]
    );
}

#[test]
fn the_end_of_a_certificate_is_announced_and_told() {
    let desk = Desk::new();
    let (settings, now) = (desk.settings(), now());
    let said = |days: i64| {
        desk.said(&settings, UtcMillis(now.0 + days * DAY_MS))
            .join("\n")
    };
    assert!(
        said(800).contains("server.pem expires in 1"),
        "{}",
        said(800)
    );
    assert!(
        said(900).contains("server.pem has expired"),
        "{}",
        said(900)
    );
    assert!(said(-9).contains("is not valid yet"), "{}", said(-9));
    assert_eq!(said(0), "");
}

#[test]
fn a_key_that_everyone_can_read_is_told() {
    let desk = Desk::new();
    let open = PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(desk.path("server.key"), open).unwrap();
    let said = desk.said(&desk.settings(), now()).join("\n");
    assert!(
        said.contains("everyone on this computer can read the key server.key"),
        "{said}"
    );
}

/// What runs while its files change: serves the old until the new can be used.
#[tokio::test(start_paused = true)]
async fn changed_files_are_read_when_they_are_whole_again() {
    let desk = Desk::new();
    let first = certificates::read(&desk.settings(), now()).unwrap().server;
    let (sender, mut server) = tokio::sync::watch::channel(first);
    let stop = crate::supervisor::Stop::new();
    let watching = watch::run(desk.settings(), Clock::start(), sender, stop.clone());
    let changing = async {
        std::fs::remove_file(desk.path("server.key")).unwrap();
        let none = tokio::time::timeout(Duration::from_secs(60), server.changed());
        assert!(none.await.is_err(), "half a pair is not served");
        desk.write(
            "server",
            &desk.ca.server(&["localhost".to_owned()]).unwrap(),
        );
        server.changed().await.unwrap();
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(watching, changing);
    ended.unwrap();
}
