//! A thread with the stack that reading expressions needs.

use super::expression::READER_STACK;

/// Does some work on a thread that has [`READER_STACK`], and waits for it.
///
/// None if there is no thread to be had, or if the work panicked: the parser of
/// expressions is not ours, and a defect in it ends that thread alone.
pub fn on_big_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("expressions".to_owned())
            .stack_size(READER_STACK);
        reader.spawn_scoped(scope, work).ok()?.join().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_work_alone() {
        assert_eq!(on_big_stack(|| 1 + 1), Some(2));
        assert_eq!(on_big_stack(|| -> i32 { panic!("a defect") }), None);
    }
}
