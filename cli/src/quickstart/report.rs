//! What the person sees: each step as it happens, with its time, and a table at the end.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    failure::{Failure, Result},
    output,
    table::Columns,
};

/// Steps so far.
#[derive(Debug)]
pub(super) struct Report {
    json: bool,
    live: bool,
    started: Instant,
    steps: Vec<Step>,
}

/// One step, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Step {
    verb: &'static str,
    ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    shows: Option<String>,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        let live = !json && io::stdout().is_terminal();
        Self { json, live, started: Instant::now(), steps: Vec::new() }
    }

    /// A line that is no step.
    pub(super) fn say(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// Runs a step, which may have something to show for it.
    pub(super) async fn step<T>(
        &mut self,
        verb: &'static str,
        what: &str,
        work: impl Future<Output = Result<T>>,
        shows: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T> {
        if self.live {
            self.write(&format!("  {what} …"));
        }
        let begun = Instant::now();
        let result = work.await;
        let took = begun.elapsed();
        let back = if self.live { "\r\x1b[K" } else { "" };
        match &result {
            Ok(value) => {
                let shows = shows(value);
                self.write(&format!("{back}✓ {what:<56} {}\n", milliseconds(took)));
                shows
                    .iter()
                    .flat_map(|text| text.lines())
                    .for_each(|line| self.write(&format!("    {line}\n")));
                self.steps.push(Step { verb, ms: took.as_secs_f64() * 1e3, shows });
            }
            Err(_) => self.write(&format!("{back}✗ {what:<56} {}\n", milliseconds(took))),
        }
        result
    }

    /// The table, or the JSON of everything.
    pub(super) fn finish(&self, failure: Option<&Failure>) -> Result {
        let total = self.started.elapsed();
        if self.json {
            return output::json(&serde_json::json!({
                "ok": failure.is_none(),
                "error": failure.map(ToString::to_string),
                "total_ms": total.as_secs_f64() * 1e3,
                "steps": self.steps,
            }));
        }
        if failure.is_some() {
            return Ok(());
        }
        let mut table = Columns::new(["VERB", "TIME"]);
        for step in &self.steps {
            table.row([step.verb.to_owned(), milliseconds(Duration::from_secs_f64(step.ms / 1e3))]);
        }
        table.row(["all of it".to_owned(), milliseconds(total)]);
        output::line(format!("\n{}", table.text()))
    }

    fn write(&self, text: &str) {
        if !self.json {
            // A reader that left misses the rest; the work goes on, for it must be undone.
            let _ = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
        }
    }
}

/// Milliseconds with one digit behind the point, lined up.
fn milliseconds(time: Duration) -> String {
    format!("{:>9.1} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn steps_are_kept_with_what_they_show() {
        let mut report = Report::new(true);
        let five = report.step("Five", "count to five", async { Ok(5) }, |n| Some(format!("{n}"))).await;
        assert_eq!(five, Ok(5));
        let failed: Result = Err(Failure::new("no"));
        assert!(report.step("Fail", "fail", async { failed }, |()| None).await.is_err());
        assert_eq!(report.steps.len(), 1, "what failed has no time worth a row");
        assert_eq!(report.steps[0].shows.as_deref(), Some("5"));
    }

    #[test]
    fn times_line_up() {
        assert_eq!(milliseconds(Duration::from_micros(4_140)), "      4.1 ms");
        assert_eq!(milliseconds(Duration::from_secs(12)), "  12000.0 ms");
    }
}
