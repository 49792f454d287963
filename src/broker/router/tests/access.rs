//! What each user may read and write, as its clients notice it.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::broker::access::pattern::Pattern;
use crate::broker::access::{Access, Client, Deed, Grants, Section};
use crate::broker::topic;

fn section(read: &[&str], write: &[&str], deny: &[&str]) -> Section {
    let patterns = |texts: &[&str]| -> Vec<Pattern> {
        let parse = |text: &&str| Pattern::parse(text).unwrap();
        texts.iter().map(parse).collect()
    };
    let grants = Grants {
        read: patterns(read),
        write: patterns(write),
    };
    Section::new(Some(grants), patterns(deny))
}

/// Anna reads the house and switches it; anonymous clients may do anything.
fn anna(section: Section) -> Access {
    Access {
        users: [("anna".to_owned(), section)].into(),
        ..Access::default()
    }
}

fn house() -> Access {
    anna(section(
        &["home/#"],
        &["home/+/+/set", "%c"],
        &["home/vault/#"],
    ))
}

fn bench(access: Access) -> Bench {
    let mut bench = Bench::new();
    bench.router.permit(access);
    bench
}

fn of_user(user: &str, connect: Connect) -> Connect {
    Connect {
        username: Some(user.to_owned()),
        ..connect
    }
}

fn refused(bench: &mut Bench, connect: Connect) -> (Reason, String) {
    let refusal = bench.router.connect(connect, Origin::Outside, bench.now);
    let refusal = refusal.expect_err("the client is not let in");
    bench.collect();
    (refusal.reason, refusal.reason_string.unwrap())
}

#[test]
fn a_message_that_may_not_be_written_is_refused_and_told() {
    let mut bench = bench(house());
    let phone = bench.connect(of_user("anna", v5("phone")));
    let watcher = bench.connect(v5("watcher"));
    bench.subscribe(watcher, "#", Qos::AtMostOnce);
    for (topic, expected) in [
        ("home/hall/lamp/set", Reason::Success),
        ("phone", Reason::Success),
        ("home/hall/lamp", Reason::NotAuthorized),
        ("home/vault/door/set", Reason::NotAuthorized),
        ("hearth/status", Reason::NotAuthorized),
    ] {
        bench.publish(phone, topic, topic, Qos::AtLeastOnce);
        assert_eq!(bench.acks(phone), [("PUBACK", expected)], "{topic}");
    }
    bench.publish(phone, "garden", "x", Qos::ExactlyOnce);
    assert_eq!(bench.acks(phone), [("PUBREC", Reason::NotAuthorized)]);
    assert_eq!(bench.payloads(watcher), ["home/hall/lamp/set", "phone"]);
    let counters = bench.router.counters();
    assert_eq!((counters.refused, counters.forbidden_publications), (4, 4));
    let told = std::mem::take(bench.router.forbidden());
    assert_eq!(told.len(), 3, "the rest is counted");
    assert_eq!(
        (told[0].deed, &*told[0].topic),
        (Deed::Publish, "home/hall/lamp")
    );
    assert!(!told[1].last && told[2].last);
}

#[test]
fn a_retained_message_that_may_not_be_written_is_not_kept() {
    let mut bench = bench(house());
    let phone = bench.connect(of_user("anna", v5("phone")));
    bench.retain(phone, "home/hall/lamp", "on");
    assert!(bench.router.retained("#", bench.now).is_empty());
}

#[test]
fn a_subscription_that_could_bring_nothing_is_refused() {
    let mut bench = bench(house());
    let phone = bench.connect(of_user("anna", v5("phone")));
    for filter in ["garden/#", "home/vault/#", "$SYS/#", "$share/g/garden"] {
        let reasons = bench.subscribe(phone, filter, Qos::AtLeastOnce);
        assert_eq!(reasons, [Reason::NotAuthorized], "{filter}");
    }
    assert_eq!(bench.router.counters().forbidden_subscriptions, 4);
    assert_eq!(bench.router.holdings().subscriptions, 0);
    let granted = bench.subscribe(phone, "#", Qos::AtLeastOnce);
    assert_eq!(granted, [Reason::GrantedQos1], "wider than it may read");
}

#[test]
fn what_may_not_be_read_is_left_out_at_delivery() {
    let mut bench = bench(house());
    let other = bench.connect(v5("other"));
    for topic in ["home/hall/lamp", "home/vault/code", "garden/gate"] {
        bench.retain(other, topic, topic);
    }
    let phone = bench.connect(of_user("anna", v5("phone")));
    bench.subscribe(phone, "#", Qos::AtMostOnce);
    assert_eq!(bench.payloads(phone), ["home/hall/lamp*"]);
    for topic in ["home/vault/code", "garden/gate", "home/hall/lamp"] {
        bench.publish(other, topic, topic, Qos::AtLeastOnce);
    }
    assert_eq!(bench.payloads(phone), ["home/hall/lamp"]);
    let nobody = ("PUBACK", Reason::NoMatchingSubscribers);
    let reached = ("PUBACK", Reason::Success);
    assert_eq!(bench.acks(other)[3..], [nobody, nobody, reached]);
}

#[test]
fn a_work_queue_gives_each_message_to_a_member_that_may_read_it() {
    let mut bench = bench(house());
    let phone = bench.connect(of_user("anna", v5("phone")));
    let other = bench.connect(v5("other"));
    for link in [phone, other] {
        bench.subscribe(link, "$share/workers/#", Qos::AtLeastOnce);
    }
    let publisher = bench.connect(v5("publisher"));
    for number in 0..4 {
        bench.publish(
            publisher,
            "garden/job",
            &number.to_string(),
            Qos::AtLeastOnce,
        );
    }
    assert_eq!(bench.payloads(other), ["0", "1", "2", "3"]);
    assert!(bench.payloads(phone).is_empty());
    // What a lost member leaves waits for somebody who may read it.
    bench.lost(other);
    bench.publish(publisher, "garden/job", "4", Qos::AtLeastOnce);
    assert!(bench.payloads(phone).is_empty());
}

#[test]
fn a_will_is_judged_when_it_is_made_and_when_it_is_sent() {
    let mut bench = bench(house());
    let (reason, why) = refused(&mut bench, of_user("anna", with_will(v5("phone"), 0)));
    assert_eq!(reason, Reason::NotAuthorized);
    assert!(why.contains("will"), "{why}");
    bench.router.permit(anna(section(&[], &["wills"], &[])));
    let phone = bench.connect(of_user("anna", with_will(v5("phone"), 0)));
    let second = bench.connect(of_user("anna", with_will(v5("second"), 0)));
    let watcher = bench.connect(v5("watcher"));
    bench.subscribe(watcher, "wills", Qos::AtMostOnce);
    bench.lost(phone);
    assert_eq!(bench.payloads(watcher), ["gone"]);
    bench.router.permit(house());
    bench.lost(second);
    assert!(bench.payloads(watcher).is_empty());
    let told = std::mem::take(bench.router.forbidden());
    assert_eq!(told.last().unwrap().deed, Deed::Will);
    assert_eq!(bench.router.counters().refused, 1);
}

#[test]
fn a_will_cannot_speak_for_the_broker() {
    let mut bench = Bench::new();
    let mut connect = with_will(v5("forger"), 0);
    connect.will.as_mut().unwrap().topic = "$SYS/broker/uptime".into();
    assert_eq!(refused(&mut bench, connect).0, Reason::NotAuthorized);
}

#[test]
fn new_permissions_hold_for_whoever_is_connected() {
    let mut bench = bench(house());
    let phone = bench.connect(of_user("anna", v5("phone")));
    let other = bench.connect(v5("other"));
    bench.subscribe(phone, "home/#", Qos::AtLeastOnce);
    bench
        .router
        .permit(anna(section(&["garden/#"], &["garden/#"], &[])));
    bench.publish(other, "home/hall/lamp", "on", Qos::AtMostOnce);
    assert!(bench.payloads(phone).is_empty());
    bench.publish(phone, "garden/gate", "x", Qos::AtLeastOnce);
    bench.publish(phone, "home/a/b/set", "x", Qos::AtLeastOnce);
    let nobody = ("PUBACK", Reason::NoMatchingSubscribers);
    let forbidden = ("PUBACK", Reason::NotAuthorized);
    assert_eq!(bench.acks(phone), [nobody, forbidden]);
    bench.router.permit(Access::default());
    bench.publish(other, "home/hall/lamp", "off", Qos::AtMostOnce);
    assert_eq!(
        bench.payloads(phone),
        ["off"],
        "the subscription is still there"
    );
    assert!(bench.closed().is_empty());
}

#[test]
fn what_waits_for_a_client_is_withdrawn_with_its_permission() {
    let mut bench = bench(Access::default());
    let phone = bench.connect(of_user("anna", lasting("phone")));
    bench.subscribe(phone, "#", Qos::AtLeastOnce);
    bench.lost(phone);
    let other = bench.connect(v5("other"));
    for topic in ["home/hall/lamp", "garden/gate"] {
        bench.publish(other, topic, topic, Qos::AtLeastOnce);
    }
    bench.router.permit(house());
    let phone = bench.connect(of_user("anna", lasting("phone")));
    assert_eq!(bench.payloads(phone), ["home/hall/lamp"]);
    assert_eq!(bench.router.holdings().stored_messages, 1, "in flight");
}

#[test]
fn a_message_on_its_way_is_not_sent_again_without_permission() {
    let mut bench = bench(Access::default());
    let phone = bench.connect(of_user("anna", lasting("phone")));
    bench.subscribe(phone, "#", Qos::ExactlyOnce);
    let other = bench.connect(v5("other"));
    for topic in ["garden/1", "garden/2", "home/a"] {
        bench.publish(other, topic, topic, Qos::ExactlyOnce);
    }
    let ids = bench.ids(phone);
    bench.ack(phone, Packet::PubRec, ids[0]);
    bench.lost(phone);
    bench.router.permit(house());
    let phone = bench.connect(of_user("anna", lasting("phone")));
    let sent: Vec<String> = bench
        .sent(phone)
        .into_iter()
        .filter_map(|out| match out {
            Out::Publish(sending) => Some(sending.delivery.message.topic.to_string()),
            Out::Packet(Packet::PubRel(ack)) => Some(format!("PUBREL {}", ack.packet_id)),
            _ => None,
        })
        .collect();
    assert_eq!(sent, [format!("PUBREL {}", ids[0]), "home/a".to_owned()]);
}

#[test]
fn a_session_is_its_users_alone() {
    for owner in [None, Some("anna")] {
        let mut bench = bench(Access::default());
        let owned = |connect: Connect| Connect {
            username: owner.map(str::to_owned),
            ..connect
        };
        let phone = bench.connect(owned(lasting("phone")));
        for stranger in [None, Some("anna"), Some("ben")] {
            if stranger == owner {
                continue;
            }
            for connect in [lasting("phone"), v5("phone"), v311("phone")] {
                let connect = Connect {
                    username: stranger.map(str::to_owned),
                    ..connect
                };
                let (reason, why) = refused(&mut bench, connect);
                assert_eq!(reason, Reason::ClientIdentifierNotValid);
                assert!(why.contains("another user"), "{why}");
            }
        }
        assert!(bench.closed().is_empty(), "{phone:?} is undisturbed");
        bench.lost(phone);
        assert_eq!(
            refused(&mut bench, of_user("ben", v5("phone"))).0,
            Reason::ClientIdentifierNotValid
        );
        let again = bench.connect(owned(lasting("phone")));
        assert!(bench.session_present(again));
    }
}

#[test]
fn a_client_id_may_be_kept_for_a_user() {
    let kept = Client {
        user: Some("anna".to_owned()),
        section: None,
    };
    let mut bench = bench(Access {
        clients: [("phone".to_owned(), kept)].into(),
        ..Access::default()
    });
    assert_eq!(
        refused(&mut bench, of_user("ben", v5("phone"))).0,
        Reason::ClientIdentifierNotValid
    );
    bench.connect(of_user("anna", v5("phone")));
}

#[test]
fn a_removed_user_leaves_no_session_behind() {
    let mut bench = bench(Access::default());
    let gone = bench.connect(of_user("anna", lasting("gone")));
    let present = bench.connect(of_user("anna", lasting("present")));
    bench.connect(of_user("ben", lasting("ben's")));
    bench.lost(gone);
    bench.router.forget("anna", bench.now);
    assert_eq!(bench.router.holdings().sessions, 2);
    bench.lost(present);
    assert_eq!(bench.router.holdings().sessions, 1);
    let ben = bench.connect(of_user("ben", v5("gone")));
    assert!(!bench.session_present(ben));
}

#[test]
fn hearths_own_parts_are_bound_by_nothing() {
    let mut bench = bench(Access {
        everyone: Some(section(&[], &[], &[])),
        anonymous: Some(section(&[], &[], &[])),
        ..Access::default()
    });
    let part = bench
        .router
        .connect(v5("\0rules"), Origin::Inside, bench.now);
    let part = part.unwrap();
    bench.collect();
    bench.subscribe(part, "#", Qos::AtMostOnce);
    bench.publish(part, "hearth/rule/a/last", "x", Qos::AtMostOnce);
    assert_eq!(bench.payloads(part), ["x"]);
    for n in 0..=bench.router.limits.subscriptions {
        bench.subscribe(part, &format!("topic/{n}"), Qos::AtMostOnce);
    }
    assert_eq!(bench.router.counters.refused_subscriptions, 0);
}

fn levels() -> impl Strategy<Value = String> {
    let level = prop_oneof![Just("a"), Just("b"), Just("+"), Just("%c"), Just("x")];
    (prop::collection::vec(level, 1..3), any::<bool>())
        .prop_map(|(levels, all)| levels.join("/") + if all { "/#" } else { "" })
}

proptest! {
    /// Whatever the permissions are, before and after a change: what arrives
    /// is what a naive matcher finds in them.
    #[test]
    fn what_is_delivered_may_be_read(
        reads in prop::collection::vec(prop::collection::vec(levels(), 0..3), 2),
        denied in prop::collection::vec(levels(), 0..2),
        filters in prop::collection::vec("(#|\\+/#|a/#|[abx+](/[abx+]){0,2})", 1..3),
        topics in prop::collection::vec("[abx](/[abx]){0,2}", 1..6),
        retained in any::<bool>(),
    ) {
        let mut bench = Bench::new();
        let publisher = bench.connect(v5("publisher"));
        let may_read = |read: &[String], topic: &str| {
            let any = |texts: &[String]| {
                let filled = texts.iter().map(|text| text.replace("%c", "x"));
                filled.into_iter().any(|filter| topic::matches(&filter, topic))
            };
            any(read) && !any(&denied)
        };
        let mut client = None;
        for read in &reads {
            let texts = |list: &[String]| -> Vec<Pattern> {
                list.iter().map(|text| Pattern::parse(text).unwrap()).collect()
            };
            bench.router.permit(anna(Section::new(Some(Grants { read: texts(read), write: Vec::new() }), texts(&denied))));
            let link = *client.get_or_insert_with(|| bench.connect(of_user("anna", v5("x"))));
            for filter in &filters {
                bench.subscribe(link, filter, Qos::AtMostOnce);
            }
            for topic in &topics {
                match retained {
                    true => bench.retain(publisher, topic, topic),
                    false => bench.publish(publisher, topic, topic, Qos::AtMostOnce),
                }
            }
            let arrived: Vec<Arc<str>> = bench
                .sent(link)
                .into_iter()
                .filter_map(|out| match out {
                    Out::Publish(sending) => Some(Arc::clone(&sending.delivery.message.topic)),
                    _ => None,
                })
                .collect();
            for topic in &arrived {
                prop_assert!(may_read(read, topic), "{topic} arrived");
            }
            for topic in &topics {
                let wanted = filters.iter().any(|filter| topic::matches(filter, topic));
                if wanted && may_read(read, topic) {
                    prop_assert!(arrived.iter().any(|one| **one == **topic), "{topic} is missing");
                }
            }
        }
    }
}
