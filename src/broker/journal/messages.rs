//! Messages that lasting sessions wait for, each once for all of them.

use std::sync::Arc;

use super::Journal;
use crate::broker::message::Message;
use crate::broker::router::Link;

/// A message that lasting sessions wait for.
#[derive(Debug)]
pub struct Kept {
    pub id: u64,
    deliveries: u32,
    /// One of its receivers has no connection: only the disk makes it safe.
    pub is_for_absent: bool,
    /// Whose acknowledgement is held back until the message is safe.
    pub publisher: Option<Link>,
    /// Keeps the address, which is the key, from being used for another.
    _message: Arc<Message>,
}

impl Journal {
    /// Counts one more session that waits for the message; `id` if it is on the
    /// disk already.
    pub(super) fn keep(&mut self, message: &Arc<Message>, id: Option<u64>) -> &mut Kept {
        let (last_id, next) = (&mut self.last_id, &mut self.next);
        let kept = self.messages.entry(address(message)).or_insert_with(|| {
            let id = id.unwrap_or_else(|| {
                *last_id += 1;
                next.messages.add(*last_id, Arc::clone(message));
                *last_id
            });
            Kept {
                id,
                deliveries: 0,
                is_for_absent: false,
                publisher: None,
                _message: Arc::clone(message),
            }
        });
        kept.deliveries += 1;
        kept
    }

    pub(super) fn id_of(&self, message: &Arc<Message>) -> Option<u64> {
        Some(self.messages.get(&address(message))?.id)
    }

    pub(super) fn let_go(&mut self, message: &Arc<Message>) {
        let Some(kept) = self.messages.get_mut(&address(message)) else {
            return;
        };
        kept.deliveries -= 1;
        if kept.deliveries == 0 {
            self.next.messages.remove(kept.id);
            self.settled
                .extend(kept.publisher.map(|link| (link, kept.id)));
            self.messages.remove(&address(message));
        }
    }
}

/// A message is known by its address while the journal keeps it.
pub fn address(message: &Arc<Message>) -> usize {
    Arc::as_ptr(message).addr()
}
