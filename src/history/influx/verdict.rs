//! What an answer of a database means, in its own words where it has some.
//!
//! InfluxDB 1, 2 and 3, VictoriaMetrics and Telegraf answer alike in the status, and each in
//! its own way in the body.

use std::time::Duration;

use hyper::http::StatusCode;
use serde_json::Value as Json;

use crate::post::Answer;

/// So much is repeated of what a server says; in characters.
const MOST_WORDS: usize = 200;
/// A server may want to be left alone for so long.
const LONGEST_WISH: Duration = Duration::from_mins(10);
/// Who has to set something right takes at least this long.
pub const SLOWLY: Duration = Duration::from_secs(10);

/// What becomes of some lines.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Taken,
    /// All but so many, which will never be taken.
    Partly(u64, String),
    /// None of them; some may be taken without the others.
    Refused(String),
    /// Nothing is taken now, and not before this long.
    Later(String, Duration),
    /// Nothing is taken until somebody sets something right; the same login need not be
    /// shown again.
    Wrong(String, Duration),
}

/// What becomes of `lines` lines. What is one of `secrets` is not repeated.
pub fn judge(answer: &Answer, lines: usize, secrets: &[&str]) -> Verdict {
    let status = answer.status;
    if status.is_success() {
        return Verdict::Taken;
    }
    let words = words(&answer.body, secrets);
    let told = match words.is_empty() {
        true => format!("{} answers {status}", answer.from),
        false => format!("{} answers {status}: {words}", answer.from),
    };
    let wish = answer.retry_after.unwrap_or_default().min(LONGEST_WISH);
    let wrong = |hint: &str| Verdict::Wrong(format!("{told}; {hint}"), SLOWLY.max(wish));
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => match dropped(&answer.body) {
            Some(dropped) => Verdict::Partly(dropped.clamp(1, lines.max(1) as u64), told),
            None => Verdict::Refused(told),
        },
        StatusCode::PAYLOAD_TOO_LARGE => Verdict::Refused(told),
        StatusCode::UNAUTHORIZED => {
            wrong("is the right token or password in the file that [history.influx] names?")
        }
        StatusCode::FORBIDDEN => wrong("may this token or user write there?"),
        StatusCode::NOT_FOUND => {
            wrong("is the path in `url` right, and is there a database or bucket of this name?")
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Verdict::Later(told, wish),
        _ if status.is_server_error() => Verdict::Later(told, wish),
        _ => wrong("does `url` lead to something that takes the line protocol?"),
    }
}

/// What InfluxDB says when it has written all other lines.
fn dropped(body: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(body);
    let (_, rest) = text.split_once("partial write")?;
    let count = rest.split_once("dropped=").map_or("1", |(_, count)| count);
    let end = count.find(|c: char| !c.is_ascii_digit());
    Some(count[..end.unwrap_or(count.len())].parse().unwrap_or(1))
}

/// On one line, short, and without secrets.
fn words(body: &[u8], secrets: &[&str]) -> String {
    let text = String::from_utf8_lossy(body);
    let said = match serde_json::from_str::<Json>(&text) {
        Ok(json) => sentence(&json).unwrap_or_default().to_owned(),
        // A page for people has a whole house around its sentence.
        Err(_) if text.trim_start().starts_with('<') => String::new(),
        Err(_) => text.into_owned(),
    };
    let said = secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(said, |said, secret| said.replace(secret, "…"));
    let words = said.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let words = words.join(" ");
    match words.char_indices().nth(MOST_WORDS) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

/// `{"error": "…"}`, `{"message": "…"}` or `{"error": {"message": "…"}}`
fn sentence(json: &Json) -> Option<&str> {
    let found = [&json["message"], &json["error"], &json["error"]["message"]];
    found.into_iter().find_map(Json::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::post::Address;

    fn judged(status: u16, body: &str) -> Verdict {
        let answer = Answer {
            from: Address::parse("http://db:8086/write?db=house&p=s3cret").unwrap(),
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: (status == 429).then_some(Duration::from_secs(7000)),
            body: body.to_owned().into(),
        };
        judge(&answer, 100, &["s3cret", ""])
    }

    #[test]
    fn what_is_taken_and_what_is_not() {
        assert_eq!(judged(204, ""), Verdict::Taken);
        assert_eq!(judged(200, "{}"), Verdict::Taken);
        let conflict = r#"{"error":"partial write: field type conflict: input field \"value\" on measurement \"x\" is type float, already exists as type string dropped=3"}"#;
        let told = "http://db:8086 answers 400 Bad Request: partial write: field type conflict: \
                    input field \"value\" on measurement \"x\" is type float, already exists as \
                    type string dropped=3";
        assert_eq!(judged(400, conflict), Verdict::Partly(3, told.to_owned()));
        let v2 = r#"{"code":"unprocessable entity","message":"failure writing points to database: partial write: points beyond retention policy dropped=999"}"#;
        assert!(matches!(judged(422, v2), Verdict::Partly(100, _)));
        // It says zero of lines that it could not read.
        let unread = r#"{"error":"partial write: unable to parse 'x': missing fields dropped=0"}"#;
        assert!(matches!(judged(400, unread), Verdict::Partly(1, _)));
        let telegraf = r#"{"error":{"code":"bad request","message":"metric parse error"}}"#;
        let told = "http://db:8086 answers 400 Bad Request: metric parse error";
        assert_eq!(judged(400, telegraf), Verdict::Refused(told.to_owned()));
        assert!(matches!(judged(413, ""), Verdict::Refused(_)));
    }

    #[test]
    fn what_somebody_must_set_right_is_told_with_what_to_look_at() {
        for (status, body, words) in [
            (
                401,
                r#"{"code":"unauthorized","message":"unauthorized access"}"#,
                "right token",
            ),
            (403, "not for you", "not for you; may this token"),
            (
                404,
                r#"{"error":"database not found: \"house\""}"#,
                "not found: \"house\"; is the",
            ),
            (405, "<html><body>Nginx</body>", "Allowed; does `url` lead"),
            (301, "", "does `url` lead"),
        ] {
            let Verdict::Wrong(told, SLOWLY) = judged(status, body) else {
                panic!("{status}");
            };
            assert!(told.contains(words) && !told.contains("Nginx"), "{told}");
        }
    }

    #[test]
    fn what_passes_is_waited_for() {
        let told = "http://db:8086 answers 503 Service Unavailable: the … was s3cre";
        let verdict = judged(503, "the s3cret\r\n was\ts3cre");
        assert_eq!(verdict, Verdict::Later(told.to_owned(), Duration::ZERO));
        assert!(matches!(judged(429, ""), Verdict::Later(_, LONGEST_WISH)));
        let Verdict::Later(told, _) = judged(500, &"é".repeat(5000)) else {
            panic!();
        };
        assert_eq!(told.chars().filter(|c| *c == 'é').count(), MOST_WORDS);
    }
}
