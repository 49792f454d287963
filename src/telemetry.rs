//! Logs for people: one line each, to standard error.
//!
//! As a systemd service, standard error is the journal: then each line starts
//! with its priority as sd-daemon(3) has it, and the journal adds the time.
//! (Through the journal's native protocol, `journalctl` would show a line
//! without its fields, such as the name of the board that it speaks of.)

use std::fmt;
use std::io::{IsTerminal, stderr};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{self, FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{self as lines, FmtContext};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging. `RUST_LOG` chooses what is logged, such as `debug` or
/// `info,hearth::boards=trace`; without it, `info` and above.
pub fn start() {
    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    let filter = EnvFilter::try_new(match wanted.as_str() {
        "" => "info",
        wanted => wanted,
    });
    let refused = filter.as_ref().err().map(ToString::to_string);
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    // A second start, as tests may cause, changes nothing.
    let _ = match is_journal() {
        true => registry.with(for_journal()).try_init(),
        false => registry.with(for_people()).try_init(),
    };
    if let Some(error) = refused {
        tracing::warn!("RUST_LOG={wanted} is ignored: {error}");
    }
    log_panics();
}

fn for_people<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl tracing_subscriber::Layer<S> {
    lines::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .event_format(format::format().compact().with_target(false))
}

fn for_journal<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl tracing_subscriber::Layer<S> {
    let line = format::format().compact().with_target(false);
    lines::layer()
        .with_writer(stderr)
        .with_ansi(false)
        .event_format(Prioritised(line.without_time().with_level(false)))
}

/// Whether standard error is the stream that systemd connected to the journal
/// (systemd.exec(5), `$JOURNAL_STREAM`).
fn is_journal() -> bool {
    let Ok(stat) = rustix::fs::fstat(stderr()) else {
        return false;
    };
    let this = format!("{}:{}", stat.st_dev, stat.st_ino);
    std::env::var("JOURNAL_STREAM").is_ok_and(|stream| stream == this)
}

/// Puts `<6>` and the like before each line.
struct Prioritised<F>(F);

impl<S, N, F> FormatEvent<S, N> for Prioritised<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

/// As syslog(3) numbers them.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// A panic becomes one line of the log, like everything else that goes wrong.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let what = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(ToString::to_string);
        let thread = std::thread::current();
        tracing::error!(
            place = place.as_deref().unwrap_or("unknown"),
            thread = thread.name().unwrap_or("unnamed"),
            "a defect in hearth, please report it: {what}"
        );
    }));
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_for_the_journal_has_its_priority_and_its_fields() {
        let sink = Sink::default();
        let writer = sink.clone();
        let line = format::format().compact().with_target(false);
        let layer = lines::layer()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .event_format(Prioritised(line.without_time().with_level(false)));
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(board = "shed", "unplugged");
        });
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert!(text.starts_with("<4>"), "{text}");
        assert!(
            text.contains("unplugged") && text.contains("shed"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1);
    }
}
