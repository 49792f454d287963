//! A PostgreSQL of its own: Debian's programs, data in a folder that goes away, a free port
//! and a socket. It does not run as root, so root lends it to another user.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What the house's user says to the server, and what must never be shown.
pub const PASSWORD: &str = "s3cret-of-the-house";
const OWNER: &str = "owner";

/// A server that runs. Dropping it stops it.
pub struct Server {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    /// Whom root lends it to.
    user: Option<String>,
}

impl Server {
    /// Makes a cluster with a user `hearth`, who owns the database `house`, and starts it.
    ///
    /// # Panics
    /// If there is no PostgreSQL on this computer, or it does not start.
    pub fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let server = Server {
            programs: programs(),
            port: unused_port(),
            user: rustix::process::geteuid().is_root().then(unprivileged),
            folder,
        };
        fs::set_permissions(server.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let own = server.folder.path().join("own");
        fs::create_dir(&own).unwrap();
        if let Some(user) = &server.user {
            let ids = [id("-u", user), id("-g", user)].map(Some);
            chown(&own, ids[0], ids[1]).unwrap();
        }
        let secret = server.folder.path().join("secret");
        fs::write(&secret, PASSWORD).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
        let mut make = server.program("initdb");
        make.args(["-U", OWNER, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
            .args(["--auth-local=trust", "--auth-host=scram-sha-256"])
            .arg("--pwfile")
            .arg(&secret)
            .arg("-D")
            .arg(server.data());
        run(&mut make);
        server.go();
        server.tell(
            "postgres",
            &format!("CREATE USER hearth PASSWORD '{PASSWORD}'"),
        );
        server.tell("postgres", "CREATE DATABASE house OWNER hearth");
        server
    }

    /// Starts it again.
    pub fn go(&self) {
        let options = format!(
            "-p {} -k '{}' -c listen_addresses=127.0.0.1",
            self.port,
            self.own().display()
        );
        let mut start = self.program("pg_ctl");
        start
            .args(["-w", "-t", "60", "-o", &options, "-l"])
            .arg(self.own().join("log"))
            .arg("-D")
            .arg(self.data())
            .arg("start");
        run(&mut start);
    }

    /// Ends it as a power cut would, as far as it can tell.
    pub fn cut(&self) {
        let mut stop = self.program("pg_ctl");
        stop.args(["-m", "immediate", "-w", "-D"])
            .arg(self.data())
            .arg("stop");
        run(&mut stop);
    }

    /// Lets it speak TLS, and nothing else to who comes from elsewhere.
    #[allow(dead_code, reason = "not every program of tests encrypts")]
    pub fn encrypt(&self, certificate: &str, key: &str) {
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = self.data().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            if let Some(user) = &self.user {
                chown(&path, Some(id("-u", user)), Some(id("-g", user))).unwrap();
            }
        }
        self.ask("ALTER SYSTEM SET ssl = on");
        let rules = "local all all trust\nhostssl all all all scram-sha-256\n";
        fs::write(self.data().join("pg_hba.conf"), rules).unwrap();
        self.cut();
        self.go();
    }

    /// Where the house finds it, with the password.
    #[allow(dead_code, reason = "not every program of tests asks with it")]
    pub fn url(&self) -> String {
        format!("postgres://hearth:{PASSWORD}@127.0.0.1:{}/house", self.port)
    }

    /// The same without it.
    #[allow(dead_code, reason = "not every program of tests asks with it")]
    pub fn url_without_password(&self) -> String {
        format!("postgres://hearth@127.0.0.1:{}/house", self.port)
    }

    /// What the server answers in the house's database, a row for each line.
    pub fn ask(&self, sql: &str) -> Vec<String> {
        let answer = self.tell("house", sql);
        answer.lines().map(str::to_owned).collect()
    }

    /// The one number that the server answers.
    pub fn number(&self, sql: &str) -> i64 {
        let answer = self.ask(sql);
        let number = answer.first().and_then(|number| number.parse().ok());
        number.unwrap_or_else(|| panic!("{sql}: {answer:?}"))
    }

    fn tell(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", OWNER])
            .arg("-h")
            .arg(self.own())
            .args(["-p", &self.port.to_string(), "-d", database, "-c", sql]);
        run(&mut psql)
    }

    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = match &self.user {
            Some(user) => {
                let mut lent = Command::new("setpriv");
                lent.arg(format!("--reuid={user}"))
                    .arg(format!("--regid={}", id("-g", user)))
                    .arg("--clear-groups")
                    .arg(program);
                lent
            }
            None => Command::new(program),
        };
        command.current_dir(self.own());
        command
    }

    fn own(&self) -> PathBuf {
        self.folder.path().join("own")
    }

    fn data(&self) -> PathBuf {
        self.own().join("data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = self.program("pg_ctl");
        stop.args(["-m", "immediate", "-D"])
            .arg(self.data())
            .arg("stop");
        // It may be stopped.
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Debian keeps each version's programs in a folder of its own, and not in the path.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql");
    let folders = versions.into_iter().flatten().flatten();
    let folders = folders.map(|folder| folder.path().join("bin"));
    let newest = folders
        .filter(|folder| folder.join("initdb").exists())
        .max();
    newest.unwrap_or_else(|| {
        panic!(
            "this test needs a PostgreSQL, and there is none in /usr/lib/postgresql: \
             apt-get install postgresql"
        )
    })
}

/// Somebody who is not root, and has a name.
fn unprivileged() -> String {
    let is_there = |user: &&str| {
        let id = Command::new("id").arg(user).output();
        id.is_ok_and(|id| id.status.success())
    };
    let user = ["postgres", "nobody"].into_iter().find(is_there);
    user.expect("a user postgres or nobody, as PostgreSQL refuses to run as root")
        .to_owned()
}

fn id(which: &str, user: &str) -> u32 {
    let id = run(Command::new("id").args([which, user]));
    id.trim().parse().unwrap()
}

fn unused_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Runs a program to its end, which must be a good one; says what it printed.
fn run(command: &mut Command) -> String {
    let shown = format!("{command:?}").replace(PASSWORD, "…");
    // A server that goes on holds what it got for its output.
    let log = tempfile::NamedTempFile::new().unwrap();
    let out = log.reopen().unwrap();
    let error = out.try_clone().unwrap();
    let status = command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(error)
        .status();
    let status = status.unwrap_or_else(|error| panic!("cannot run {shown}: {error}"));
    let said = said(log.path());
    assert!(status.success(), "{shown}: {status}\n{said}");
    said
}

fn said(log: &Path) -> String {
    String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned()
}
