//! A container that numbers its lines and tells a witness how far it got, and the judge of its log.
//!
//! The witness is a file of the host that the container itself writes, past runtime and monitor: whatever became of
//! those, the log must have every line the witness knows, once and in order.

use std::{fs, path::PathBuf, time::Duration};

use harness::{Container, Doing, Failure, Line, Node, Result, container, read_log, until};

/// Long enough for a debug build on two busy cores; only a failing test waits it out.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the container ends with on SIGTERM.
pub const ON_SIGTERM: i32 = 7;

/// Writes a number, then tells the witness, until an order comes to end with a code.
///
/// It waits in a builtin of the shell: a `sleep` would be another process each time the oracle looks. The order is not
/// read from the pipe it waits on: a time-out in the middle of a line would eat half of it.
const PROGRAM: &str = "trap 'exit 7' TERM; mkfifo /tmp/never; exec 3<>/tmp/never 4>>/desk/written; i=0; \
    while [ ! -e /desk/order ]; do echo $i; echo $i >&4; i=$((i+1)); read -t 0.02 none <&3; done; \
    read code </desk/order; exit $code";

/// One such container: its desk on the host and its log.
#[derive(Debug, Clone)]
pub struct Counting {
    name: String,
    attempt: u32,
    desk: PathBuf,
    log: PathBuf,
}

impl Counting {
    /// Makes the desk of container `name` of `pod`; each attempt has its own desk and its own log.
    ///
    /// # Errors
    /// When the desk cannot be made.
    pub fn new(node: &Node, pod: &str, name: &str, attempt: u32) -> Result<Self> {
        let desk = node.slot.dir().join("desks").join(format!("{pod}-{name}-{attempt}"));
        fs::create_dir_all(&desk).doing(|| format!("make {}", desk.display()))?;
        let log = node.log_directory(pod).join(format!("{name}-{attempt}.log"));
        Ok(Self { name: name.to_owned(), attempt, desk, log })
    }

    /// The request.
    pub fn container(&self, image: &str) -> Container {
        let mut wanted = container(&self.name).image(image).shell(PROGRAM).mount(&self.desk, "/desk", false);
        wanted.config.metadata.get_or_insert_default().attempt = self.attempt;
        wanted.config.log_path = format!("{}-{}.log", self.name, self.attempt);
        wanted
    }

    /// How many lines it says it has written.
    ///
    /// # Errors
    /// When the witness contradicts itself.
    pub fn written(&self) -> Result<usize> {
        let text = match fs::read_to_string(self.desk.join("written")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            text => text.doing(|| format!("read the witness of {}", self.name))?,
        };
        let numbers: Vec<&str> = text.lines().collect();
        in_order(&numbers).map_err(|fault| Failure::new(format!("the witness of {}: {fault}", self.name)))?;
        Ok(numbers.len())
    }

    /// Orders it to end with `code`; it does as soon as it looks.
    ///
    /// # Errors
    /// When the order cannot be written.
    pub fn order(&self, code: i32) -> Result {
        // Whole or not there.
        let [draft, order] = ["draft", "order"].map(|name| self.desk.join(name));
        fs::write(&draft, format!("{code}\n"))?;
        fs::rename(&draft, &order).doing(|| format!("order {} to end", self.name))
    }

    /// Waits until it has written `lines` more than now and they are in the log.
    ///
    /// # Errors
    /// When they do not come, or the log is not what it must be.
    pub async fn goes_on(&self, lines: usize) -> Result {
        let wanted = self.written()? + lines;
        let what = format!("{} writes {lines} lines more", self.name);
        until(&what, PATIENCE, async || self.written().is_ok_and(|written| written >= wanted)).await?;
        // A line is in the pipe before the witness hears of it, but it takes the monitor a moment to read it.
        let what = format!("{wanted} lines of {} are in its log", self.name);
        until(&what, PATIENCE, async || self.logged().is_ok_and(|log| log.len() >= wanted)).await?;
        self.judge(wanted, Running::Yes)
    }

    /// It has ended: nothing may be missing now, and nothing comes later.
    ///
    /// # Errors
    /// When the log is not what it must be.
    pub fn has_ended(&self) -> Result {
        self.judge(self.written()?, Running::No)
    }

    fn judge(&self, written: usize, running: Running) -> Result {
        let log = self.logged()?;
        let texts: Vec<&str> = log.iter().map(String::as_str).collect();
        judge(&texts, written, running)
            .map_err(|fault| Failure::new(format!("{}: {fault}", self.log.display())))
    }

    fn logged(&self) -> Result<Vec<String>> {
        if !self.log.exists() {
            return Ok(Vec::new());
        }
        Ok(read_log(&self.log)?.iter().map(Line::text).collect())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Running {
    Yes,
    No,
}

/// Every line once, in order, down to the last one the witness knows. The end may have come between a line and the word
/// to the witness, so the log of one that has ended may have one more; of one that runs, any number.
fn judge(log: &[&str], written: usize, running: Running) -> Result<(), String> {
    in_order(log)?;
    if log.len() < written {
        return Err(format!("it has written {written} lines, the log has {}", log.len()));
    }
    if running == Running::No && log.len() > written + 1 {
        return Err(format!("it has written {written} lines at most one more, the log has {}", log.len()));
    }
    Ok(())
}

fn in_order(lines: &[&str]) -> Result<(), String> {
    for (number, line) in lines.iter().enumerate() {
        if *line != number.to_string() {
            return Err(format!("line {number} is {line:?}: a line is lost, or there twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
