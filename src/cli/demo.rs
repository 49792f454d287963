//! `hearth demo`: a house to try, without any hardware.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::{demo, telemetry};

#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// Where MQTT clients connect; 127.0.0.1:1883 or the next free port
    #[arg(long, value_name = "ADDR")]
    mqtt: Option<SocketAddr>,
    /// Where browsers connect; 127.0.0.1:8080 or the next free port
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Folder of the config and the databases
    #[arg(long, value_name = "DIR", default_value = demo::DEFAULT_DATA)]
    data: PathBuf,
}

pub(super) fn run(args: DemoArgs) -> anyhow::Result<()> {
    telemetry::start();
    super::wait_for(demo::run(demo::Options {
        mqtt: args.mqtt,
        http: args.http,
        data: args.data,
    }))
}
