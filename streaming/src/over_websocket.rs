//! Sessions over WebSocket: which channels are the streams a session wants.

pub(crate) mod command;
pub(crate) mod forward;

/// The channels of exec and attach: the first three are the descriptors of these numbers.
pub(crate) mod channel {
    pub(crate) const STDIN: u8 = 0;
    pub(crate) const STDOUT: u8 = 1;
    pub(crate) const STDERR: u8 = 2;
    pub(crate) const ERROR: u8 = 3;
    pub(crate) const RESIZE: u8 = 4;
}
