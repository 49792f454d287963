//! Gives the boards with Hearth's firmware their pin maps, as any program
//! could: one that is there already, perhaps changed by somebody, stays.
//!
//! Over MQTT; and where that asks for a password, as the page does it.

mod broker;
mod page;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::folder;
use super::wiring::Wiring;
use crate::boards::{BoardSettings, FoundBy};
use crate::gateway::Addresses;

/// The gateway is on this computer.
const WITHIN: Duration = Duration::from_secs(10);

/// A map by its board's name.
pub type Maps = BTreeMap<String, &'static str>;

/// The demo's maps, under the names that its boards have in the config.
pub fn for_boards(boards: &[BoardSettings]) -> Maps {
    let named = |wiring: Wiring| {
        let board = boards.iter().find(|board| is_at(wiring, &board.found_by))?;
        Some((board.name.clone(), wiring.map()))
    };
    Wiring::ALL.into_iter().filter_map(named).collect()
}

fn is_at(wiring: Wiring, found_by: &FoundBy) -> bool {
    match found_by {
        FoundBy::Port(port) => port.ends_with(folder::port(wiring.name())),
        FoundBy::Id(id) => hearth_wire::board::of_client_id(id) == Some(wiring.id()),
        FoundBy::Usb(_) => false,
    }
}

/// Gives the maps once it is known where the house is. One that does not take
/// them lives on.
pub async fn give(maps: Maps, house: oneshot::Receiver<Addresses>) {
    let Ok(house) = house.await else {
        return;
    };
    if maps.is_empty() {
        return;
    }
    let over_mqtt = soon(broker::give_missing(&maps, house.mqtt)).await;
    let Err(problem) = over_mqtt else {
        return;
    };
    tracing::info!(
        "MQTT does not let the demo in ({problem:#}): its boards get their pin maps from the page"
    );
    if let Err(problem) = soon(page::give_missing(&maps, house.page)).await {
        let boards: Vec<&str> = maps.keys().map(String::as_str).collect();
        tracing::warn!(
            "no pin maps for {}: {problem:#}; set their pins up on their pages",
            boards.join(" and ")
        );
    }
}

async fn soon(giving: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    match timeout(WITHIN, giving).await {
        Ok(given) => given,
        Err(_elapsed) => Err(anyhow!("no answer within {} s", WITHIN.as_secs())),
    }
}
