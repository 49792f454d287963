//! `hearth certs`: a certificate authority of one's own, and what it signs.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, UdpSocket};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::broker::tls::authority::{Authority, Pair};
use crate::clock::{Clock, UtcMillis};

/// Names of files that are not a client's.
const CA: &str = "ca";
const SERVER: &str = "server";

#[derive(Debug, clap::Args)]
pub(super) struct CertsArgs {
    /// Folder for the files; what is there already stays as it is
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// A further name or address by which clients reach this computer
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Make a certificate for a client, which becomes the user of this name
    #[arg(long = "client", value_name = "NAME")]
    clients: Vec<String>,
}

pub(super) fn run(args: &CertsArgs) -> anyhow::Result<()> {
    let folder = Folder(&args.folder);
    for name in &args.clients {
        if [CA, SERVER].contains(&name.as_str()) {
            bail!("a client cannot be called \"{name}\": {name}.pem is another certificate");
        }
    }
    fs::create_dir_all(&args.folder).with_context(|| folder.cannot("make", ""))?;
    let now = Clock::start().now().utc;
    let authority = open_authority(&folder, now)?;
    make_server(&folder, &authority, &args.hosts)?;
    for name in &args.clients {
        let made = folder.keep_or_make(name, || Ok(authority.client(name)?))?;
        say(&folder, name, made, "for the client of this name")?;
    }
    show_config(&folder)
}

fn open_authority(folder: &Folder<'_>, now: UtcMillis) -> anyhow::Result<Authority> {
    let name = format!("Hearth on {}", host_name());
    let mut new = None;
    let made = folder.keep_or_make(CA, || {
        let (authority, pair) = Authority::create(&name, now)?;
        new = Some(authority);
        Ok(pair)
    })?;
    say(
        folder,
        CA,
        made,
        "clients need this one to trust the broker",
    )?;
    match new {
        Some(authority) => Ok(authority),
        None => Authority::open(&folder.read(CA)?, now)
            .with_context(|| folder.cannot("sign with", "ca.key")),
    }
}

fn make_server(folder: &Folder<'_>, authority: &Authority, hosts: &[String]) -> anyhow::Result<()> {
    let more = hosts.iter().map(|host| checked(host));
    let names = own_names()
        .into_iter()
        .map(Ok)
        .chain(more)
        .collect::<anyhow::Result<Vec<String>>>()?;
    let made = folder.keep_or_make(SERVER, || Ok(authority.server(&names)?))?;
    if !made && !hosts.is_empty() {
        bail!(
            "{} is there already, perhaps for other names: remove server.pem and server.key \
             to make new ones",
            folder.file("server.pem").display()
        );
    }
    say(folder, SERVER, made, &format!("for {}", names.join(", ")))
}

/// What the config must say to use them.
fn show_config(folder: &Folder<'_>) -> anyhow::Result<()> {
    let path = |name: &str| {
        let file = folder.file(name);
        std::path::absolute(&file).unwrap_or(file)
    };
    let (certificate, key, ca) = (path("server.pem"), path("server.key"), path("ca.pem"));
    writeln!(
        io::stdout(),
        "\nIn hearth.toml:\n\n\
         [broker.tls]\n\
         listen = \"0.0.0.0:8883\"\n\
         certificate = {certificate:?}\n\
         key = {key:?}\n\
         client_ca = {ca:?}\n\n\
         The key belongs to you alone. For the service: sudo chown hearth {}",
        key.display()
    )?;
    Ok(())
}

/// Where the files are.
struct Folder<'a>(&'a Path);

impl Folder<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a new pair, unless there is one. True if it was made.
    fn keep_or_make(
        &self,
        name: &str,
        make: impl FnOnce() -> anyhow::Result<Pair>,
    ) -> anyhow::Result<bool> {
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
        let there = |name: &str| self.file(name).try_exists();
        match (there(&certificate)?, there(&key)?) {
            (true, true) => return Ok(false),
            (false, false) => {}
            (true, false) => {
                bail!("{certificate} is there, but {key} is not: remove it or bring {key} back")
            }
            (false, true) => bail!(
                "{key} is there, but {certificate} is not: remove it or bring {certificate} back"
            ),
        }
        let pair = make().with_context(|| format!("no certificate for \"{name}\""))?;
        self.write(&key, &pair.key, 0o600)?;
        self.write(&certificate, &pair.certificate, 0o644)?;
        Ok(true)
    }

    /// Never overwrites.
    fn write(&self, name: &str, text: &str, mode: u32) -> anyhow::Result<()> {
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(self.file(name));
        opened
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| self.cannot("write", name))
    }

    fn read(&self, name: &str) -> anyhow::Result<Pair> {
        let read = |name: String| {
            fs::read_to_string(self.file(&name)).with_context(|| self.cannot("read", &name))
        };
        Ok(Pair {
            certificate: read(format!("{name}.pem"))?,
            key: read(format!("{name}.key"))?,
        })
    }

    fn cannot(&self, what: &str, name: &str) -> String {
        format!("cannot {what} {}", self.file(name).display())
    }
}

fn say(folder: &Folder<'_>, name: &str, made: bool, about: &str) -> anyhow::Result<()> {
    let file = folder.file(&format!("{name}.pem"));
    let mut stdout = io::stdout();
    match made {
        true => writeln!(stdout, "made {}, {about}", file.display()),
        false => writeln!(stdout, "kept {}", file.display()),
    }?;
    Ok(())
}

/// A name or address, and nothing else that people write beside it.
fn checked(host: &str) -> anyhow::Result<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '*');
    if host.parse::<IpAddr>().is_ok() || (!host.is_empty() && host.chars().all(is_name)) {
        return Ok(host.to_owned());
    }
    bail!(
        "\"{host}\" is no host: write a name such as raspberrypi.local, or an address, without port"
    )
}

/// How clients are likely to reach this computer.
fn own_names() -> Vec<String> {
    let host = host_name();
    let mut names = vec![host.clone(), "localhost".to_owned()];
    if !host.contains('.') {
        names.insert(1, format!("{host}.local"));
    }
    names.dedup();
    names.extend(["127.0.0.1".to_owned(), "::1".to_owned()]);
    names.extend(own_address().map(|address| address.to_string()));
    names
}

pub(super) fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    checked(name.trim()).unwrap_or_else(|_| "localhost".to_owned())
}

/// The address from which this computer speaks to others. Nothing is sent: a
/// UDP socket only looks up its route (192.0.2.1 is nobody's, RFC 5737).
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(("192.0.2.1", 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn args(folder: &Path, hosts: &[&str], clients: &[&str]) -> CertsArgs {
        let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        CertsArgs {
            folder: folder.to_owned(),
            hosts: owned(hosts),
            clients: owned(clients),
        }
    }

    #[test]
    fn what_is_there_is_kept_and_what_is_missing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls");
        run(&args(&path, &["pi.home.arpa"], &["kitchen"])).unwrap();
        let read = |name: &str| fs::read_to_string(path.join(name)).unwrap();
        let before = ["ca.pem", "server.pem", "kitchen.key"].map(read);
        run(&args(&path, &[], &["kitchen", "attic"])).unwrap();
        assert_eq!(["ca.pem", "server.pem", "kitchen.key"].map(read), before);
        assert!(path.join("attic.pem").exists());
        for key in ["ca.key", "server.key", "kitchen.key", "attic.key"] {
            let mode = fs::metadata(path.join(key)).unwrap().mode();
            assert_eq!(mode & 0o777, 0o600, "{key}");
        }
        let error = run(&args(&path, &["other.local"], &[])).unwrap_err();
        assert!(error.to_string().contains("remove server.pem"), "{error}");
    }

    #[test]
    fn half_a_pair_is_not_made_whole() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), "").unwrap();
        let error = run(&args(folder.path(), &[], &[])).unwrap_err();
        assert!(error.to_string().contains("ca.key is not"), "{error}");
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |hosts: &[&str], clients: &[&str]| {
            format!(
                "{:#}",
                run(&args(folder.path(), hosts, clients)).unwrap_err()
            )
        };
        assert!(refused(&["pi.local:8883"], &[]).contains("without port"));
        assert!(refused(&[], &["ca"]).contains("cannot be called"));
        assert!(refused(&[], &["home/#"]).contains("home/#"));
    }
}
