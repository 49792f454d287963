//! `hearth run`: the house, until it is stopped.

use std::path::PathBuf;

use super::ConfigArgs;
use crate::gateway::{self, Source};
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Keep the databases in this folder, whatever the config says
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(super) fn run(args: RunArgs) -> anyhow::Result<()> {
    let mut config = args.config.load()?;
    let source = Source {
        path: args.config.config,
        config: config.clone(),
    };
    if let Some(data) = args.data {
        config.keep_data_in(data);
    }
    telemetry::start();
    super::wait_for(gateway::run(config, source, |_| ()))
}
