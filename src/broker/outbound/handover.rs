//! What a session has to send and does not: it goes to somebody else, is
//! withdrawn, or comes back after a restart.

use super::{Awaiting, Delivery, Inflight, Outbound, Saved, Taken, Waiting};
use crate::broker::codec::{PacketId, Qos};
use crate::broker::journal::Log;
use crate::broker::message::Message;

impl Outbound {
    /// Takes out what came through one of these shared subscriptions and may go
    /// to another member. A QoS 2 message that was on the wire may not
    /// [MQTT-4.8.2-4]. Called without a connection. The journal has them still:
    /// [`Taken::forget`] follows once they are somebody else's.
    pub fn take_shared(&mut self, is_one: impl Fn(&str) -> bool) -> Vec<Taken> {
        let is_one = |delivery: &Delivery| delivery.group.as_deref().is_some_and(&is_one);
        let (used, mut taken) = (&mut self.used, Vec::new());
        let mut take = |id: u64, packet_id: Option<PacketId>, delivery: &Delivery| {
            packet_id.inspect(|packet_id| _ = used.remove(packet_id));
            let delivery = delivery.clone();
            taken.push(Taken { id, delivery });
        };
        self.inflight.retain(|one| {
            let begun = one.dup && one.delivery.qos == Qos::ExactlyOnce;
            let goes = !begun && is_one(&one.delivery);
            if goes {
                take(one.id, Some(one.packet_id), &one.delivery);
            }
            !goes
        });
        self.queue.retain(|one| {
            let goes = is_one(&one.delivery);
            if goes {
                take(one.id, one.packet_id, &one.delivery);
            }
            !goes
        });
        self.count_queue();
        taken
    }

    /// What waits need not outlive the connection any more.
    pub fn forget(&mut self, log: &mut Log<'_>) {
        for one in &mut self.inflight {
            log.finished(std::mem::take(&mut one.id), &one.delivery);
        }
        for one in self.replay.iter_mut().chain(&mut self.queue) {
            log.finished(std::mem::take(&mut one.id), &one.delivery);
        }
    }

    /// Puts back what was on the disk, in the order in which it is told.
    /// Deliveries up to the id `doubtful` may have been sent without the disk
    /// knowing.
    pub fn restore(&mut self, saved: Saved, doubtful: u64) {
        self.used.extend(saved.packet_id);
        let (id, delivery) = (saved.id, saved.delivery);
        if let Some((sent, packet_id)) = saved.sent.zip(saved.packet_id) {
            return self.inflight.push_back(Inflight {
                id,
                place: sent.place,
                packet_id,
                awaiting: Awaiting::at(delivery.qos, sent.released),
                delivery,
                sent: false,
                dup: true,
            });
        }
        let size = delivery.message.size();
        let waiting = Waiting {
            id,
            packet_id: saved.packet_id,
            may_be_known: id <= doubtful && delivery.qos == Qos::AtLeastOnce,
            delivery,
        };
        if saved.replay {
            self.replay.push_back(waiting);
        } else {
            self.queued_bytes += size;
            self.queue.push_back(waiting);
        }
    }

    /// Takes out what may not be sent any more. Of an exchange that the present
    /// connection has seen, the rest follows.
    pub fn withdraw(&mut self, may_send: impl Fn(&Message) -> bool, log: &mut Log<'_>) {
        let used = &mut self.used;
        let mut stays = |id: u64, packet_id: Option<PacketId>, delivery: &Delivery| {
            let stays = may_send(&delivery.message);
            if !stays {
                packet_id.inspect(|packet_id| _ = used.remove(packet_id));
                log.finished(id, delivery);
            }
            stays
        };
        self.inflight.retain(|one| {
            let begun = one.sent || one.awaiting == Awaiting::PubComp;
            begun || stays(one.id, Some(one.packet_id), &one.delivery)
        });
        self.replay
            .retain(|one| stays(one.id, one.packet_id, &one.delivery));
        self.queue
            .retain(|one| stays(one.id, one.packet_id, &one.delivery));
        self.count_queue();
    }

    /// It will not be sent after all.
    pub(super) fn give_up(&mut self, waiting: &Waiting, log: &mut Log<'_>) {
        if let Some(packet_id) = &waiting.packet_id {
            self.used.remove(packet_id);
        }
        log.finished(waiting.id, &waiting.delivery);
    }
}
