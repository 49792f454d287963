//! What the demo says when the house is ready.

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where everything is.
#[derive(Debug)]
pub struct Welcome {
    pub mqtt: SocketAddr,
    /// The default address, if it was taken.
    pub mqtt_moved_from: Option<SocketAddr>,
    pub page: SocketAddr,
    pub page_moved_from: Option<SocketAddr>,
    pub config: PathBuf,
    /// Whether the user has changed the config.
    pub edited: bool,
}

impl Welcome {
    /// Says it on standard output. That nobody listens there is no failure.
    pub fn print(&self) {
        let _ = io::stdout().write_all(self.to_string().as_bytes());
    }

    fn client(&self, program: &str) -> String {
        format!("{program} -h {} -p {}", self.mqtt.ip(), self.mqtt.port())
    }
}

impl fmt::Display for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sub, publish) = (self.client("mosquitto_sub"), self.client("mosquitto_pub"));
        writeln!(
            f,
            "\nThe demo house is alive; one of its days takes ten minutes.\n"
        )?;
        writeln!(
            f,
            "  Page  http://{}{}",
            self.page,
            note(self.page_moved_from)
        )?;
        writeln!(f, "  MQTT  {}{}", self.mqtt, note(self.mqtt_moved_from))?;
        writeln!(f, "\nTry:")?;
        writeln!(f, "  {sub} -t 'home/#' -v")?;
        writeln!(f, "  {publish} -t home/porch/lamp/set -m on")?;
        let edited = if self.edited { " (your version)" } else { "" };
        let config = self.config.display();
        writeln!(
            f,
            "  edit the rules in {config}{edited} and start the demo again"
        )?;
        writeln!(f, "\nCtrl-C ends it.\n")
    }
}

fn note(moved_from: Option<SocketAddr>) -> String {
    match moved_from {
        Some(taken) => format!("   ({taken} is in use by another program)"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_what_a_visitor_needs() {
        let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let text = Welcome {
            mqtt: address(1884),
            mqtt_moved_from: Some(address(1883)),
            page: address(8080),
            page_moved_from: None,
            config: "hearth-data/demo/hearth.toml".into(),
            edited: true,
        }
        .to_string();
        for part in [
            "http://127.0.0.1:8080\n",
            "127.0.0.1:1884   (127.0.0.1:1883 is in use by another program)",
            "mosquitto_sub -h 127.0.0.1 -p 1884 -t 'home/#' -v",
            "mosquitto_pub -h 127.0.0.1 -p 1884 -t home/porch/lamp/set -m on",
            "hearth-data/demo/hearth.toml (your version)",
            "Ctrl-C",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }
}
