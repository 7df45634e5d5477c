//! Bars for the layers of a pull, or one for all of it; nothing where there is no terminal.

use std::{collections::HashMap, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use proto::berth::{PullPhase, PullProgressEvent};

use crate::text::short_id;

const LAYER: &str = "  {prefix:12}  {bar:30}  {bytes:>10} / {total_bytes:<10}  {msg}";
const WAITING: &str = "  {spinner} {msg}";

/// The bars on the screen.
#[derive(Debug)]
pub(super) struct Bars {
    screen: MultiProgress,
    /// Until anything is known about the image.
    waiting: ProgressBar,
    /// By layer; the whole image is the layer without a name.
    bars: HashMap<String, ProgressBar>,
}

impl Bars {
    pub(super) fn new(image: &str) -> Self {
        // Standard error; indicatif draws nothing if that is no terminal.
        let screen = MultiProgress::new();
        let waiting = screen.add(ProgressBar::new_spinner().with_style(style(WAITING)));
        waiting.set_message(format!("asking for {image}"));
        waiting.enable_steady_tick(Duration::from_millis(100));
        Self { screen, waiting, bars: HashMap::new() }
    }

    pub(super) fn show(&mut self, event: &PullProgressEvent) {
        if event.phase() == PullPhase::Resolving {
            return;
        }
        self.waiting.finish_and_clear();
        let screen = &self.screen;
        let bar = self.bars.entry(event.layer.clone()).or_insert_with(|| {
            let bar = screen.add(ProgressBar::new(0).with_style(style(LAYER)));
            bar.set_prefix(if event.layer.is_empty() { "layers" } else { short_id(&event.layer) }.to_owned());
            bar
        });
        bar.set_length(event.total_bytes.max(event.done_bytes));
        bar.set_position(event.done_bytes);
        let done = event.phase() == PullPhase::Done;
        bar.set_message(match (event.layers_total, done) {
            (0, false) => String::new(),
            (0, true) => "done".to_owned(),
            (total, _) => format!("{} of {total}", event.layers_done),
        });
        if done {
            bar.abandon();
        }
    }

    /// The bars have served.
    pub(super) fn finish(&self) {
        self.waiting.finish_and_clear();
        for bar in self.bars.values() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.waiting.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // Both templates are constants of ours, tested below.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("━╸ ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid() {
        for template in [LAYER, WAITING] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn layers_and_wholes_have_bars() {
        let mut bars = Bars::new("alpine");
        let event = |layer: &str, phase: PullPhase, done_bytes| PullProgressEvent {
            layer: layer.into(),
            phase: phase as i32,
            done_bytes,
            total_bytes: 10,
            ..PullProgressEvent::default()
        };
        bars.show(&event("", PullPhase::Resolving, 0));
        assert!(bars.bars.is_empty());
        bars.show(&event("", PullPhase::Fetching, 3));
        bars.show(&event("sha256:00", PullPhase::Fetching, 4));
        bars.show(&event("sha256:00", PullPhase::Done, 10));
        assert_eq!(bars.bars.len(), 2);
        assert_eq!(bars.bars["sha256:00"].position(), 10);
        bars.finish();
    }
}
