//! Why something was refused, in the words of the protocol: stage, what, errno.
use proto::monitor::Failed;
use sys::Errno;

/// `Failed` is what travels to berthd, from here as from the children, so it is the error of this crate.
pub(crate) type Result<T> = std::result::Result<T, Failed>;

/// A failure of our own making.
pub(crate) fn failed(stage: &str, what: impl Into<String>, errno: Errno) -> Failed {
    Failed { stage: stage.to_owned(), what: what.into(), errno: errno.0 }
}

/// Adds the stage, and perhaps what was attempted, to a failed system call.
pub(crate) trait At<T> {
    fn at(self, stage: &str) -> Result<T>;
    fn at_doing(self, stage: &str, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> At<T> for sys::Result<T> {
    fn at(self, stage: &str) -> Result<T> {
        self.map_err(|error| failed(stage, format!("{}({})", error.op, error.args), error.errno))
    }

    fn at_doing(self, stage: &str, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| failed(stage, format!("{}: {}({})", what(), error.op, error.args), error.errno))
    }
}
