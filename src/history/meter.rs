//! What this process has sent to the disk, as the kernel counts it.

/// Bytes since the process started, for whatever purpose: history, state and log; `None`
/// where the system does not tell. What goes to a file in memory (tmpfs) counts nothing.
///
/// Quick: the kernel keeps the count in memory.
pub fn written() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/self/io").ok()?)
}

fn parse(io: &str) -> Option<u64> {
    let count = io
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes:"))?;
    count.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_among_others() {
        let io = "rchar: 323934931\nwchar: 323929600\nsyscr: 632687\nsyscw: 632675\n\
                  read_bytes: 0\nwrite_bytes: 323932160\ncancelled_write_bytes: 7\n";
        assert_eq!(parse(io), Some(323_932_160));
        assert_eq!(parse("rchar: 1\n"), None);
        assert_eq!(parse("write_bytes: many\n"), None);
    }

    #[test]
    fn this_system_tells_and_never_counts_down() {
        let before = written().unwrap();
        std::fs::write(tempfile::NamedTempFile::new().unwrap().path(), [1; 10_000]).unwrap();
        assert!(written().unwrap() >= before);
    }
}
