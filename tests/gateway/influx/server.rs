//! A real InfluxDB 1 on ports and a folder of its own.

use std::fs;
use std::process::{Child, Command, Stdio};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{eventually, free_port, http};

/// Dropping it kills it.
pub struct InfluxDb {
    child: Child,
    folder: TempDir,
    pub port: u16,
    /// As a query has it.
    login: &'static str,
}

impl InfluxDb {
    /// One that lets everybody in.
    pub fn start() -> InfluxDb {
        InfluxDb::with(false, "")
    }

    /// One with the user `pi`, whose password is `s3cret`.
    pub fn with_user() -> InfluxDb {
        let mut influx = InfluxDb::with(true, "");
        influx.change("CREATE USER pi WITH PASSWORD 's3cret' WITH ALL PRIVILEGES");
        influx.login = "&u=pi&p=s3cret";
        influx
    }

    fn with(auth: bool, login: &'static str) -> InfluxDb {
        let folder = tempfile::tempdir().unwrap();
        let (port, other) = (free_port(), free_port());
        let path = folder.path().display();
        let config = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:{other}\"\n\
             [meta]\ndir = \"{path}/meta\"\n\
             [data]\ndir = \"{path}/data\"\nwal-dir = \"{path}/wal\"\n\
             [monitor]\nstore-enabled = false\n\
             [http]\nbind-address = \"127.0.0.1:{port}\"\nauth-enabled = {auth}\n"
        );
        fs::write(folder.path().join("influxdb.conf"), config).unwrap();
        let influx = InfluxDb {
            child: launch(&folder),
            folder,
            port,
            login,
        };
        influx.wait();
        influx
    }

    fn wait(&self) {
        eventually("influxd to listen", || {
            let pong = http::get(self.port, "/ping").ok()?;
            (pong.status == 204).then_some(())
        });
    }

    /// `kill -9`
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.child = launch(&self.folder);
        self.wait();
    }

    /// Where lines go.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/write?db=house", self.port)
    }

    /// Such as `CREATE DATABASE house`.
    pub fn change(&self, statement: &str) {
        let path = format!("/query?q={}{}", encoded(statement), self.login);
        let answer = http::post(self.port, &path, "").unwrap();
        assert!(
            answer.status == 200 && !answer.body.contains("error"),
            "{statement}: {}",
            answer.body
        );
    }

    /// Writes a line by hand.
    pub fn write(&self, line: &str) {
        let path = format!("/write?db=house{}", self.login);
        assert_eq!(http::post(self.port, &path, line).unwrap().status, 204);
    }

    /// All points with a tag `topic`, by topic and time: nanoseconds, and what is in the
    /// fields `value`, `on` and `text` as the database has it.
    pub fn points(&self) -> Vec<(String, i64, String)> {
        let select = "SELECT * FROM /.*/ GROUP BY topic";
        let path = format!(
            "/query?db=house&epoch=ns&q={}{}",
            encoded(select),
            self.login
        );
        let answer = http::get(self.port, &path).unwrap();
        let json: Value = serde_json::from_str(&answer.body).unwrap();
        let mut points = Vec::new();
        for series in json["results"][0]["series"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let topic = series["tags"]["topic"].as_str().unwrap();
            let columns = series["columns"].as_array().unwrap();
            let column = |name: &str| columns.iter().position(|one| one == name);
            for row in series["values"].as_array().unwrap() {
                let cells = ["value", "on", "text"].map(|name| &row[column(name).unwrap_or(99)]);
                let said: Vec<&Value> = cells.into_iter().filter(|cell| !cell.is_null()).collect();
                let at = row[0].as_i64().unwrap();
                if !topic.is_empty() {
                    assert_eq!(said.len(), 1, "{row}");
                    points.push((topic.to_owned(), at, said[0].to_string()));
                }
            }
        }
        points.sort();
        points
    }

    /// The values of a tag.
    pub fn tags(&self, key: &str) -> String {
        let show = format!("SHOW TAG VALUES WITH KEY = \"{key}\"");
        let path = format!("/query?db=house&q={}{}", encoded(&show), self.login);
        http::get(self.port, &path).unwrap().body
    }
}

impl Drop for InfluxDb {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(folder: &TempDir) -> Child {
    let spawned = Command::new("influxd")
        .arg("-config")
        .arg(folder.path().join("influxdb.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    spawned.expect("influxd is missing: sudo apt-get install influxdb")
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
