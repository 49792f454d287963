//! Passwords and tokens in the user's text, hidden where the text is shown: whoever reads a
//! log need not be who wrote the config.

/// The text with an asterisk for each byte of a password in an address, such as
/// `postgres://hearth:secret@db/house` or `…?password=secret`. Places stay where they are.
pub(super) fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (at, _) in text.match_indices('@') {
        if let Some(colon) = colon_before(text, at) {
            bytes[colon + 1..at].fill(b'*');
        }
    }
    let keys = ["password", "token"].map(|key| text.match_indices(key));
    for (at, key) in keys.into_iter().flatten() {
        let behind = &text[at + key.len()..];
        let value = behind.trim_start_matches(' ').strip_prefix('=');
        let value = value.map(|value| value.trim_start_matches([' ', '"', '\'']));
        if let Some(value) = value {
            let begin = text.len() - value.len();
            let is_end = |c: char| c == '&' || is_edge(c);
            let length = value.find(is_end).unwrap_or(value.len());
            bytes[begin..begin + length].fill(b'*');
        }
    }
    // Whole characters were replaced.
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The colon that stands between user and password, if a password ends at `at`.
fn colon_before(text: &str, at: usize) -> Option<usize> {
    let before = &text[..at];
    let begin = before.rfind(is_edge).map_or(0, |edge| edge + 1);
    let begin = match before[begin..].find("://") {
        Some(scheme) => begin + scheme + 3,
        None => begin,
    };
    Some(begin + before[begin..].find(':')?)
}

/// What no address holds.
fn is_edge(c: char) -> bool {
    c.is_ascii_whitespace() || matches!(c, '"' | '\'')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_are_hidden_and_nothing_else() {
        let cases = [
            (
                "url = \"postgres://hearth:sécret@db/house\"",
                "url = \"postgres://hearth:*******@db/house\"",
            ),
            ("'u:a@b:c@db' # x@y", "'u:*****@db' # x@y"),
            ("password = \"ab\" # c", "password = \"**\" # c"),
            ("token = 'ab'", "token = '**'"),
            ("password_file = \"ab\"", "password_file = \"ab\""),
            (
                "u = '?password=ab&sslmode=x'",
                "u = '?password=**&sslmode=x'",
            ),
            (
                "at = \"12:30\"\nto = \"a@b\"",
                "at = \"12:30\"\nto = \"a@b\"",
            ),
            ("mqtt://broker:1883", "mqtt://broker:1883"),
        ];
        for (text, expected) in cases {
            assert_eq!(masked(text), expected);
        }
    }

    proptest! {
        #[test]
        fn places_stay_where_they_are(text in "[a@:/'\" é\n]{0,30}") {
            let hidden = masked(&text);
            prop_assert_eq!(hidden.len(), text.len());
            prop_assert_eq!(hidden.lines().count(), text.lines().count());
        }
    }
}
