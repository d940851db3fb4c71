//! The same work for many items, on all cores.
//!
//! In: items, and a function. Out: the answers in the order of the items. It starts no thread for a single item.

use std::thread;

/// Applies `work` to each item; the answers are in the order of `items`.
///
/// # Examples
/// ```
/// assert_eq!(kubepki::workers::map(&[1, 2, 3], |number| number * 2), [2, 4, 6]);
/// ```
///
/// # Panics
/// When `work` does.
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(items.len());
    if workers < 2 {
        return items.iter().map(work).collect();
    }
    let share = items.len().div_ceil(workers);
    thread::scope(|scope| {
        let work = &work;
        let parts: Vec<_> =
            items.chunks(share).map(|part| scope.spawn(move || part.iter().map(work).collect::<Vec<R>>())).collect();
        let parts = parts.into_iter().map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        parts.flatten().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_in_the_order_of_the_items_however_many_there_are() {
        for count in [0, 1, 2, 3, 1_000] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(map(&items, |item| item + 1), (1..=count).collect::<Vec<_>>());
        }
    }

    #[test]
    #[should_panic(expected = "as it was")]
    fn a_panic_stays_what_it_was() {
        map(&[1, 2, 3, 4], |_| panic!("as it was"));
    }
}
