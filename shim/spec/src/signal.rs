//! Names and numbers of stop signals.

use std::fmt;

use proto::cri::{self, Signal};

use crate::{
    error::{Result, SpecError, quoted},
    input::ImageFacts,
};

/// A signal by number, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopSignal(u8);

/// The number of the first real-time signal programs may use: glibc and musl keep 32 and 33 for themselves.
const RTMIN: u8 = 34;

/// The last signal.
const RTMAX: u8 = 64;

/// Signals 1 to 31 on x86 and ARM, with the names kubelet has for the same number after the usual one.
const NAMES: [(&str, u8); 34] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
];

/// The signal that asks a container to stop: the request's, else the image's, else SIGTERM.
///
/// # Errors
/// A `StopSignal` of the image, or a number in the request, that is no signal.
pub fn stop_signal(container: &cri::ContainerConfig, image: &ImageFacts) -> Result<StopSignal> {
    match Signal::try_from(container.stop_signal) {
        Ok(Signal::RuntimeDefault) => {}
        Ok(signal) => return Ok(StopSignal::of_request(signal)),
        Err(_) => {
            return Err(SpecError::invalid(
                format!("stop_signal {}", container.stop_signal),
                "CRI knows no such signal",
                "use a value of its Signal enum",
            ));
        }
    }
    if image.stop_signal.is_empty() {
        return Ok(StopSignal::TERM);
    }
    StopSignal::parse(&image.stop_signal).ok_or_else(|| {
        SpecError::invalid(
            format!("StopSignal {} of image {}", quoted(&image.stop_signal), quoted(&image.name)),
            "Linux has no such signal",
            "set the pod's lifecycle.stopSignal, or rebuild the image with STOPSIGNAL SIGTERM",
        )
    })
}

// === impl StopSignal ===

impl StopSignal {
    /// SIGTERM.
    pub const TERM: Self = Self(15);

    /// Reads "SIGTERM", "term", "15", "SIGRTMIN+3", "RTMAX-1".
    ///
    /// ```
    /// use spec::StopSignal;
    ///
    /// assert_eq!(StopSignal::parse("SIGRTMIN+3").unwrap().number(), 37);
    /// assert_eq!(StopSignal::parse("0"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            return small(text).filter(|number| (1..=RTMAX).contains(number)).map(Self);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Some(Self(*number));
        }
        let number = if let Some(above) = name.strip_prefix("RTMIN") {
            RTMIN.checked_add(distance(above, '+')?)?
        } else {
            RTMAX.checked_sub(distance(name.strip_prefix("RTMAX")?, '-')?)?
        };
        (RTMIN..=RTMAX).contains(&number).then_some(Self(number))
    }

    /// The number for kill(2).
    pub fn number(self) -> i32 {
        i32::from(self.0)
    }

    /// As ContainerStatus reports it.
    pub fn to_cri(self) -> Signal {
        // The enum's names are canonical; numbers 1 to 65 cover all signals, some twice, the usual name first here.
        let preferred =
            |signal: &Signal| !matches!(signal, Signal::Sigcld | Signal::Sigiot | Signal::Sigpoll);
        (1..=65)
            .filter_map(|value| Signal::try_from(value).ok())
            .filter(preferred)
            .find(|signal| Self::of_request(*signal) == self)
            .unwrap_or(Signal::RuntimeDefault)
    }

    fn of_request(signal: Signal) -> Self {
        let name = signal.as_str_name();
        let name = name.strip_prefix("SIGNAL_").unwrap_or(name);
        let text = name.replace("MINPLUS", "MIN+").replace("MAXMINUS", "MAX-");
        Self::parse(&text).unwrap_or(Self::TERM)
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => write!(f, "SIG{name}"),
            None if self.0 == RTMIN => f.write_str("SIGRTMIN"),
            None if self.0 == RTMAX => f.write_str("SIGRTMAX"),
            None => write!(f, "SIGRTMIN+{}", self.0.saturating_sub(RTMIN)),
        }
    }
}

/// "", "+3": how far from the end of the range.
fn distance(text: &str, sign: char) -> Option<u8> {
    match text.strip_prefix(sign) {
        None if text.is_empty() => Some(0),
        None => None,
        Some(digits) => small(digits),
    }
}

/// One or two digits.
fn small(text: &str) -> Option<u8> {
    (matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests;
