//! Any text as a config: it is loaded, or its problems can be shown.

use std::path::Path;

use hearth::config;

pub fn hold(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(problems) = config::load_text("hearth.toml", &text, Path::new("/etc/hearth")) {
        assert!(!problems.render(true).is_empty());
    }
}
