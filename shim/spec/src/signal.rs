//! Names and numbers of stop signals.

use proto::cri;

use crate::{
    error::{Result, SpecError},
    input::ImageFacts,
};

/// A signal by number, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopSignal(u8);

// === impl StopSignal ===

impl StopSignal {
    /// SIGTERM.
    pub const TERM: Self = Self(15);

    /// The number for kill(2).
    pub fn number(self) -> i32 {
        i32::from(self.0)
    }
}

/// The signal that asks a container to stop: the request's, else the image's, else SIGTERM.
///
/// # Errors
/// An image whose `StopSignal` is no signal.
pub fn stop_signal(_container: &cri::ContainerConfig, _image: &ImageFacts) -> Result<StopSignal> {
    Err(SpecError::unsupported("signal", "not built yet", "wait"))
}
