//! A board with our firmware on a line that fails in every way that lines fail:
//! it always comes back by itself, as itself.

use hearth_wire::Packet;

use crate::board::{Uno, Way, eventually};
use crate::line::Line;
use crate::talk::Talk;

fn is_ping(packet: Packet<'_>) -> Option<()> {
    matches!(packet, Packet::PingReq(None)).then_some(())
}

#[test]
fn a_board_says_who_it_is_and_then_pings() {
    let uno = Uno::start();
    let mut talk = Talk::open(&uno);
    let (will, clean, duration, name) = talk.wait_for("CONNECT", |packet| match packet {
        Packet::Connect(c) => {
            let name = c.client_id.as_str().to_owned();
            Some((c.will, c.clean_session, c.duration, name))
        }
        _ => None,
    });
    assert_eq!((will, clean, duration), (false, false, 10));
    let id = name.strip_prefix("uno-").expect("a name of ours");
    assert!(
        id.len() == 8 && u32::from_str_radix(id, 16).is_ok(),
        "{name}"
    );
    talk.accept();
    talk.wait_for("PINGREQ", is_ping);
}

#[test]
fn a_board_without_a_session_connects_again() {
    let uno = Uno::start();
    let mut talk = Talk::open(&uno);
    let name = talk.accept();
    talk.wait_for("PINGREQ", is_ping);
    talk.send(&Packet::Disconnect(None));
    assert_eq!(talk.wait_for_connect(), name);
}

#[test]
fn damaged_and_lost_bytes_cost_frames_and_nothing_else() {
    let uno = Uno::start();
    let mut talk = Talk::open(&uno);
    let name = talk.wait_for_connect();
    uno.flip(Way::FromBoard, 10);
    uno.lose(Way::FromBoard, 10);
    for _ in 0..3 {
        assert_eq!(talk.wait_for_connect(), name);
    }
    eventually("a refused frame", || {
        talk.wait_for_connect();
        (talk.refused > 0).then_some(())
    });
}

#[test]
fn at_a_wrong_speed_nothing_is_understood_and_at_the_right_one_all() {
    let uno = Uno::start();
    let mut deaf = Talk::on(Line::open_at(&uno, 57_600));
    eventually("frames that make no sense", || {
        deaf.take();
        (deaf.refused > 0).then_some(())
    });
    assert!(deaf.packets().is_empty());
    drop(deaf);
    Talk::open(&uno).wait_for_connect();
}

#[test]
fn a_cable_pulled_in_the_middle_of_a_frame_is_plugged_in_again() {
    let uno = Uno::start();
    let mut talk = Talk::open(&uno);
    let name = talk.accept();
    uno.unplug_after(3);
    eventually("the end of the line", || talk.line.read().err());
    eventually("an unplugged board", || {
        (!uno.port().exists()).then_some(())
    });
    uno.plug();
    assert_eq!(Talk::open(&uno).wait_for_connect(), name);
}

#[test]
fn a_board_that_hangs_comes_back() {
    let uno = Uno::start();
    let mut talk = Talk::open(&uno);
    let name = talk.accept();
    talk.wait_for("PINGREQ", is_ping);
    uno.hang();
    assert_eq!(talk.wait_for_connect(), name);
    assert_eq!(uno.starts("watchdog"), 1);
}

#[test]
fn an_idle_board_sleeps_while_it_waits() {
    let uno = Uno::start();
    Talk::open(&uno).accept();
    eventually("a board that sleeps", || {
        (uno.counts().asleep > 900).then_some(())
    });
}
