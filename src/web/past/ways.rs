//! Where one can go from a chart, as addresses: plain links and a form, so that it takes
//! no script.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::web::chart::window::{Calendar, Span, Window};

/// What the value of a query may hold as it is (RFC 3986): a topic stays readable.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

/// The page that a chart is on, without its stretch of time.
#[derive(Clone, Debug)]
pub struct Place {
    path: String,
    /// The topics that the address names.
    pub topics: Vec<String>,
}

impl Place {
    /// The page of a thing, whose path names it.
    pub fn thing(path: &str) -> Place {
        Place {
            path: path.to_owned(),
            topics: Vec::new(),
        }
    }

    /// The page for several.
    pub fn chart(topics: impl IntoIterator<Item = String>) -> Place {
        Place {
            path: "/chart".to_owned(),
            topics: topics.into_iter().collect(),
        }
    }

    /// The address of the page over a stretch of time.
    pub fn at(&self, window: &Window) -> String {
        let topics = self.topics.iter();
        let topics = topics.map(|topic| format!("t={}&", utf8_percent_encode(topic, VALUE)));
        format!(
            "{}?{}{}",
            self.path,
            topics.collect::<String>(),
            window.query()
        )
    }

    fn without(&self, topic: &str) -> Place {
        let others = self.topics.iter().filter(|other| *other != topic);
        Place::chart(others.cloned())
    }
}

/// The links and fields around a chart.
#[derive(Debug)]
pub struct Ways {
    pub path: String,
    pub topics: Vec<String>,
    /// What is shown, in words.
    pub title: String,
    /// Each with its address and whether it is what is shown.
    pub spans: Vec<(&'static str, String, bool)>,
    pub earlier: Option<String>,
    pub later: Option<String>,
    pub closer: Option<String>,
    pub wider: Option<String>,
    pub latest: Option<String>,
    /// For the date field: the day that is shown, and today.
    pub date: String,
    pub today: String,
    /// What a date may choose, and whether it is chosen.
    pub dated: Vec<(Span, bool)>,
    /// The same page over all series but one, in their order.
    pub without: Vec<String>,
    /// The page for several, with what is shown here.
    pub compare: String,
}

impl Ways {
    /// From `window` of a chart of these series at `place`.
    pub fn new(place: &Place, series: &[&str], window: &Window, calendar: &Calendar) -> Ways {
        let link = |window: Option<Window>| window.map(|window| place.at(&window));
        let date = |date: Option<jiff::civil::Date>| date.map(|date| date.to_string());
        let spans = calendar.spans(window).into_iter();
        let shown = window.unit().unwrap_or(Span::Day);
        let series = series.iter().map(|topic| (*topic).to_owned());
        Ways {
            path: place.path.clone(),
            topics: place.topics.clone(),
            title: calendar.title(window),
            spans: spans
                .map(|(span, window, is_shown)| (span.title(), place.at(&window), is_shown))
                .collect(),
            earlier: link(calendar.earlier(window)),
            later: link(calendar.later(window)),
            closer: link(calendar.closer(window)),
            wider: link(calendar.wider(window)),
            latest: link(calendar.latest_of(window)),
            date: date(calendar.date_of(window)).unwrap_or_default(),
            today: date(calendar.date(calendar.now)).unwrap_or_default(),
            dated: Span::DATED.map(|span| (span, span == shown)).to_vec(),
            without: place
                .topics
                .iter()
                .map(|topic| place.without(topic).at(window))
                .collect(),
            compare: Place::chart(series).at(window),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::clock::UtcMillis;

    #[test]
    fn addresses_are_readable_and_whole() {
        let calendar = Calendar {
            now: UtcMillis(1_795_872_600_000),
            zone: &TimeZone::UTC,
        };
        let day = calendar.latest(Span::Day.millis());
        let place = Place::chart(["home/étage/a&b".to_owned(), "home/lab/lamp".to_owned()]);
        let ways = Ways::new(&place, &[], &day, &calendar);
        assert_eq!(
            place.at(&day),
            "/chart?t=home/%C3%A9tage/a%26b&t=home/lab/lamp&span=day"
        );
        assert_eq!(ways.without[0], "/chart?t=home/lab/lamp&span=day");
        let ways = Ways::new(&Place::thing("/thing/a/b"), &["home/a/b"], &day, &calendar);
        assert_eq!(ways.wider.as_deref(), Some("/thing/a/b?span=3d"));
        assert_eq!(ways.compare, "/chart?t=home/a/b&span=day");
    }
}
