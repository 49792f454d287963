//! What to call a board that nobody has named: after its model, its serial number, its port.

use std::path::Path;

use super::registry::Found;
use crate::home::topic;

/// The model with the last `digits` of the serial number, or the path's name.
pub(super) fn derived(port: &Found, digits: usize) -> String {
    let Some(usb) = &port.usb else {
        return path_name(&port.path);
    };
    let serial = topic::word(usb.serial.as_deref().unwrap_or_default());
    let end = serial.chars().count().saturating_sub(digits);
    match serial.chars().skip(end).collect::<String>() {
        none if none.is_empty() => format!("{}-{}", model(port), port_word(&port.device)),
        end => format!("{}-{end}", model(port)),
    }
}

/// A short word for the model.
pub(super) fn model(port: &Found) -> String {
    let Some(usb) = &port.usb else {
        return "serial".into();
    };
    let known = match (usb.vendor, usb.product) {
        (0x2341 | 0x2a03, 0x0001 | 0x0043 | 0x0243) => "uno",
        (0x2341 | 0x2a03, 0x0010 | 0x0042 | 0x0242) => "mega",
        (0x2341 | 0x2a03, 0x0036 | 0x8036) => "leonardo",
        (0x2341 | 0x2a03, 0x0037 | 0x8037) => "micro",
        (0x1a86, _) => "ch340",
        (0x10c4, _) => "cp210x",
        (0x0403, _) => "ftdi",
        (0x303a, _) => "esp32",
        (0x2e8a, _) => "pico",
        (0x16c0, 0x0483) => "teensy",
        _ => "",
    };
    if !known.is_empty() {
        return known.into();
    }
    let product = topic::word(usb.product_name.as_deref().unwrap_or_default());
    let short = product.strip_prefix("arduino-").unwrap_or(&product);
    let short: String = short.chars().take(24).collect();
    if short.is_empty() {
        "usb".into()
    } else {
        short
    }
}

/// `ttyacm0`, `pts-5`
pub(super) fn port_word(device: &Path) -> String {
    topic::word(&path_name(device))
}

/// The last part of a path, with the one before it if it is only a number.
fn path_name(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    match parts.as_slice() {
        [.., folder, name] if name.chars().all(|c| c.is_ascii_digit()) => {
            format!("{folder}-{name}")
        }
        [.., name] => name.to_string(),
        [] => String::new(),
    }
}
