//! What the streams of a session mean, whatever wire carries them.

pub(crate) mod command;
pub(crate) mod forward;
pub(crate) mod protocol;
pub(crate) mod resize;
pub(crate) mod status;
