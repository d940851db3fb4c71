//! What stands in the client's place in a build without the cargo feature `cluster`.
//!
//! In: anything. Out: [`ClusterError::NotBuilt`]; there is never a [`Cluster`].

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::Value;

use super::{ClusterError, Credentials, Event, Verb, WatchEnd};

/// A cluster that can be asked: none in this build.
pub struct Cluster<'t> {
    never: Infallible,
    tell: &'t mut dyn FnMut() -> ControlFlow<()>,
}

impl<'t> Cluster<'t> {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn connect(
        _credentials: &Credentials,
        _timeout: Duration,
        _tell: &'t mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Self, ClusterError> {
        Err(ClusterError::NotBuilt)
    }

    /// Where it is.
    #[must_use]
    pub fn server(&self) -> &str {
        match self.never {}
    }

    /// Never called.
    ///
    /// # Errors
    /// Never.
    pub fn ask(&mut self, _path: &str, _verb: &Verb) -> Result<Value, ClusterError> {
        match self.never {}
    }

    /// Never called.
    ///
    /// # Errors
    /// Never.
    pub fn check(&mut self, _path: &str) -> Result<(), ClusterError> {
        match self.never {}
    }

    /// Never called.
    ///
    /// # Errors
    /// Never.
    pub fn watch(
        &mut self,
        _path: &str,
        _timeout: Duration,
        _see: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<WatchEnd, ClusterError> {
        match self.never {}
    }

    /// Never called.
    pub fn is_interrupted(&mut self) -> bool {
        match self.never {}
    }

    /// Never called.
    ///
    /// # Errors
    /// Never.
    pub fn pause(&mut self, _pause: Duration) -> Result<(), ClusterError> {
        let _ = (self.tell)();
        match self.never {}
    }
}
