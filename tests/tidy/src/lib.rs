//! The house rules a compiler cannot see: each a function from text to findings, proved on bad input beside it.
//!
//! `tests/house.rs` applies them to this repository; `cargo xtask tidy` runs just that.

pub mod documents;
pub mod edges;
pub mod fence;
pub mod files;
pub mod lines;
pub mod names;
pub mod places;
pub mod steps;

/// One broken rule, as a developer reads it: where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path below the repository.
    pub file: String,
    /// What is wrong and the way out.
    pub text: String,
}

impl Finding {
    /// A finding in `file`.
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        Self { file: file.into(), text: text.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file, self.text)
    }
}
