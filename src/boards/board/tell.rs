//! What a board tells the house of itself.

use super::Board;
use crate::boards::Usb;
use crate::broker::Qos;
use crate::home::{About, topic};

impl Board {
    /// Publishes `about` if it has changed.
    pub(super) fn tell_about(&mut self) {
        let Some(port) = &self.port else {
            return;
        };
        let things = self.things.about();
        if self.told.as_ref() == Some(&things) {
            return;
        }
        let about = About {
            board: self.voice.name().to_owned(),
            firmware: "text".into(),
            port: port.path.display().to_string(),
            usb: port.usb.as_ref().map(Usb::sign),
            room: self.room.clone(),
            things: things.clone(),
        };
        self.told = Some(things);
        let topic = topic::board_about(&about.board);
        self.voice.publish_json(topic, &about, Qos::AtLeastOnce);
    }
}
