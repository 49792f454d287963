//! What the recorder hears of the house.

use std::pin::Pin;

use futures_util::stream::{self, Stream};

use crate::broker::{Client, Handle, Message, Qos, Stopped};
use crate::home::topic::{ALL_ABOUTS, ALL_RECORDED};

/// Everything that is recorded, and what boards say they measure. Ends with the broker.
pub async fn subscribe(
    handle: Handle,
) -> Result<Pin<Box<dyn Stream<Item = Message> + Send>>, Stopped> {
    let client = connect(&handle).await?;
    let messages = stream::unfold((handle, client), async |(handle, mut client)| {
        loop {
            match client.next().await {
                Ok(message) => return Some((message, (handle, client))),
                // Only this session ended, unless the broker did.
                Err(Stopped) => client = connect(&handle).await.ok()?,
            }
        }
    });
    Ok(Box::pin(messages))
}

async fn connect(handle: &Handle) -> Result<Client, Stopped> {
    let mut client = handle.connect("history").await?;
    client.subscribe(ALL_ABOUTS, Qos::AtLeastOnce).await?;
    for filter in ALL_RECORDED {
        client.subscribe(filter, Qos::AtLeastOnce).await?;
    }
    Ok(client)
}
