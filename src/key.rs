//! Private keys: algorithms, generation, PEM, signing.

mod algorithm;

pub use algorithm::Algorithm;

use crate::error::{Category, Diagnostic};

/// Why a key could not be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The name is none of kubeadm's five.
    #[error("unknown key algorithm {name:?}")]
    UnknownAlgorithm {
        /// What was given.
        name: String,
    },
}

impl Diagnostic for KeyError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownAlgorithm { .. } => "key.unknown_algorithm",
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::UnknownAlgorithm { .. } => {
                let names: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
                format!("use one of {}", names.join(", "))
            }
        }
    }

    fn category(&self) -> Category {
        Category::Usage
    }
}
