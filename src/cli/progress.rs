//! A bar while keys are made: on stderr, on a terminal alone; it leaves no trace.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::session::Session;
use crate::ops::{Continue, Progress};
use crate::store::DEFAULT_LOCK_WAIT;

const WIDTH: &str = "keys [{bar:24}] {pos}/{len} {msg}";

/// Shows how many keys are ready.
pub(super) struct KeyProgress<'s> {
    session: &'s Session,
    bar: ProgressBar,
    /// What was said last of what the cluster is waited for.
    said: String,
}

impl<'s> KeyProgress<'s> {
    pub(super) fn new(session: &'s Session) -> Self {
        let target =
            if session.screen.is_watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template(WIDTH).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            session,
            said: String::new(),
            bar: ProgressBar::with_draw_target(None, target).with_style(style.progress_chars("##.")),
        }
    }

    /// Draws it anew, and says whether to go on: not after Ctrl-C.
    pub(super) fn show(&mut self, state: &Progress) -> Continue {
        self.bar.set_length(u64::try_from(state.total).unwrap_or_default());
        self.bar.set_position(u64::try_from(state.done).unwrap_or_default());
        if !state.name.is_empty() {
            self.bar.set_message(state.name.clone());
        }
        let Progress { done, total, waits_for, .. } = state;
        if !waits_for.is_empty() && *waits_for != self.said {
            self.said.clone_from(waits_for);
            self.bar.suspend(|| self.session.screen.say(waits_for));
        }
        self.session.begin_work(if !waits_for.is_empty() {
            "the requests in the cluster are deleted".to_owned()
        } else if done < total {
            format!("the key that is being made is finished ({done} of {total} are)")
        } else {
            let lock = DEFAULT_LOCK_WAIT.as_secs();
            format!("the change is written as a whole; another kubepki's lock is waited for {lock} s at most")
        });
        if self.session.interrupts.has_come() { Continue::No } else { Continue::Yes }
    }
}

impl Drop for KeyProgress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
