//! Work on other threads: the same work for many items, and work that is watched from the thread that called; and how long
//! work is asked to stop.
//!
//! In: items or a piece of work, and a function. Out: the answers. A panic in a worker is a panic of the caller, whole;
//! no answer stands in for it.

use std::fmt;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

/// As many servers are waited for at once.
const WAITING: usize = 64;

/// How often a caller that watches is told that nothing is new: twenty times a second.
pub const TICK: Duration = Duration::from_millis(50);

type Asked = Arc<dyn Fn() -> bool + Send + Sync>;

/// Whether long work is asked to stop; nobody asks the default one.
#[derive(Clone, Default)]
pub struct StopSignal {
    asked: Option<Asked>,
    insisted: Option<Asked>,
}

impl StopSignal {
    /// One that is asked by a function, which is cheap: it is called between all pieces of the work, on any thread.
    #[must_use]
    pub fn new(has_come: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { asked: Some(Arc::new(has_come)), insisted: None }
    }

    /// The same with a function that says whether somebody insists: even on what should be ended first.
    #[must_use]
    pub fn insisting(self, has_come: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { insisted: Some(Arc::new(has_come)), ..self }
    }

    /// The signal of somebody who insists.
    #[must_use]
    pub fn insisted(&self) -> Self {
        Self { asked: self.insisted.clone(), insisted: None }
    }

    /// Whether the work is to end.
    #[must_use]
    pub fn has_come(&self) -> bool {
        self.asked.as_ref().is_some_and(|has_come| has_come())
    }

    /// A reader that fails once the signal has come. It asks before each read: those of a file should be of some size.
    pub fn heard_by<R: Read>(&self, source: R) -> Stoppable<R> {
        Stoppable { source, stop: self.clone() }
    }
}

impl fmt::Debug for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StopSignal")
    }
}

/// What [`StopSignal::heard_by`] makes of a reader.
#[derive(Debug)]
pub struct Stoppable<R> {
    source: R,
    stop: StopSignal,
}

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        // Not `Interrupted`: whoever reads would try again.
        if self.stop.has_come() { Err(io::Error::other("stopped")) } else { self.source.read(room) }
    }
}

impl<R: io::Seek> io::Seek for Stoppable<R> {
    fn seek(&mut self, place: io::SeekFrom) -> io::Result<u64> {
        self.source.seek(place)
    }
}

/// Applies `work` to each item on all cores; the answers are in the order of `items`. No thread is started for one item.
///
/// # Examples
/// ```
/// assert_eq!(kubepki::workers::map(&[1, 2, 3], |number| number * 2), [2, 4, 6]);
/// ```
///
/// # Panics
/// When `work` does.
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    spread(items, cores(), work)
}

/// The same on as many threads as `threads` says; on all cores without.
///
/// # Panics
/// When `work` does.
pub fn map_on<T: Sync, R: Send>(threads: Option<usize>, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    spread(items, threads.unwrap_or_else(cores), work)
}

/// The same on a thread for each item, 64 at most: for work that waits for others.
///
/// # Panics
/// When `work` does.
pub fn at_once<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    spread(items, items.len().min(WAITING), work)
}

fn spread<T: Sync, R: Send>(items: &[T], workers: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = workers.min(items.len());
    if workers < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    // Whoever is done takes the next: one item that takes long holds up no other.
    let answers = || {
        let places = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        places.map_while(|place| Some((place, work(items.get(place)?)))).collect::<Vec<_>>()
    };
    let mut all: Vec<(usize, R)> = thread::scope(|scope| {
        let parts: Vec<_> = (0..workers).map(|_| scope.spawn(answers)).collect();
        parts.into_iter().flat_map(joined).collect()
    });
    all.sort_unstable_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, answer)| answer).collect()
}

/// Applies `work` to each item on all cores, while `watch` is told on this thread, at once and in every [`TICK`], that
/// nothing is new, and of each answer as it comes, with its item's place. What `watch` breaks with ends the work, as soon
/// as each item that was begun is done.
///
/// # Panics
/// When `work` does.
pub fn watched<T: Sync, R: Send, B>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    watch: &mut dyn FnMut(Option<(usize, R)>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let left = Mutex::new(items.iter().enumerate());
    let next = || left.lock().ok().and_then(|mut left| left.next());
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        let begin = |sender: std::sync::mpsc::Sender<_>| {
            let (next, work) = (&next, &work);
            scope.spawn(move || {
                // Whoever watched has gone: so does the work.
                while let Some((place, item)) = next()
                    && sender.send((place, work(item))).is_ok()
                {}
            })
        };
        let workers: Vec<_> = (0..cores().min(items.len())).map(|_| begin(sender.clone())).collect();
        drop(sender);
        let mut said = watch(None);
        while said.is_continue() {
            said = match receiver.recv_timeout(TICK) {
                Ok(answer) => watch(Some(answer)),
                Err(RecvTimeoutError::Timeout) => watch(None),
                Err(RecvTimeoutError::Disconnected) => break,
            };
        }
        drop(receiver);
        workers.into_iter().for_each(joined);
        said
    })
}

/// Does `work` beside this thread, on which `watch` is asked in every [`TICK`] whether it is still waited for. Work that
/// is not ends by itself: it must have a time limit.
///
/// # Errors
/// What `watch` says.
///
/// # Panics
/// When `work` does.
pub fn beside<T: Send + 'static, E>(
    work: impl FnOnce() -> T + Send + 'static,
    mut watch: impl FnMut() -> Result<(), E>,
) -> Result<T, E> {
    let (sender, receiver) = channel();
    let worker = thread::spawn(move || drop(sender.send(work())));
    loop {
        watch()?;
        match receiver.recv_timeout(TICK) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => match worker.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => unreachable!("the work has sent its result"),
            },
        }
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn joined<R>(worker: ScopedJoinHandle<'_, R>) -> R {
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
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
        let items: Vec<usize> = (0..1_000).collect();
        assert_eq!(at_once(&items, |item| item + 1), (1..=1_000).collect::<Vec<_>>());
    }

    #[test]
    fn each_answer_is_told_once_and_what_the_watcher_says_ends_the_work() {
        let items: Vec<usize> = (0..100).collect();
        let mut told = vec![0; items.len()];
        let ended = watched(&items, |item| item * 2, &mut |answer| {
            if let Some((place, double)) = answer {
                assert_eq!(double, place * 2);
                told[place] += 1;
            }
            ControlFlow::<()>::Continue(())
        });
        assert_eq!((ended, told), (ControlFlow::Continue(()), vec![1; items.len()]));
        assert_eq!(watched(&items, |item| *item, &mut |_| ControlFlow::Break("enough")), ControlFlow::Break("enough"));
        assert_eq!(
            watched(&items[..0], |item| *item, &mut |_| ControlFlow::<()>::Continue(())),
            ControlFlow::Continue(())
        );
        assert_eq!(beside(|| 7, || Ok::<(), ()>(())), Ok(7));
        assert_eq!(beside(|| 7, || Err("gone")), Err("gone"));
    }

    #[test]
    fn what_is_read_ends_when_the_signal_comes() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let stop = StopSignal::new(move || counted.fetch_add(1, Ordering::Relaxed) >= 3);
        let mut source = stop.heard_by(io::repeat(7));
        let mut room = [0; 16];
        let reads: Vec<_> = (0..5).map(|_| source.read(&mut room).ok()).collect();
        assert_eq!(reads, [Some(16), Some(16), Some(16), None, None]);
        assert!(source.read_to_end(&mut Vec::new()).is_err());
        assert!(!StopSignal::default().has_come());
    }

    #[test]
    fn a_panic_stays_what_it_was() {
        let fails = |_: &i32| -> i32 { panic!("as it was") };
        let items = [1, 2, 3, 4];
        let all: [&dyn Fn(); 4] = [
            &|| drop(map(&items, fails)),
            &|| drop(at_once(&items, fails)),
            &|| assert!(watched(&items, fails, &mut |_| ControlFlow::<()>::Continue(())).is_continue()),
            &|| assert!(beside(|| -> i32 { panic!("as it was") }, || Ok::<(), ()>(())).is_ok()),
        ];
        for work in all {
            let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_err();
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"as it was"));
        }
    }
}
